import { Buffer } from 'node:buffer'

import * as assert from 'uvu/assert'

import { bytes, chunked, get, line, post } from './http-messages.ts'
import type { Case } from './http-messages.ts'

const closes = { headers: { connection: 'close' } }

/** What routes refuse, and what is strange but right. */
export const contentCases: Readonly<Record<string, Case>> = {
  // Routes.
  'no route': { send: get('/nothing'), status: 404, code: 'not_found' },
  dots: { send: get('/../../etc/passwd'), status: 404, code: 'not_found' },
  'encoded dots': { send: get('/%2e%2e/%2e%2e/etc/passwd'), status: 404, code: 'not_found' },
  'two slashes': { send: get('//items'), status: 404, code: 'not_found' },
  'an id of the wrong shape': { send: get('/items/abc'), status: 404, code: 'not_found' },
  'an id that is a query': { send: get("/items/1'%20or%201=1"), status: 404, code: 'not_found' },
  'a method that the path has not': {
    send: line('DELETE /items/1 HTTP/1.1'),
    status: 405,
    code: 'method_not_allowed',
    headers: { allow: 'HEAD, GET, OPTIONS' },
  },
  'PUT on a path with POST': {
    send: line('PUT /items HTTP/1.1', 'Content-Length: 0'),
    status: 405,
    code: 'method_not_allowed',
    headers: { allow: 'POST, OPTIONS' },
  },
  PROPFIND: { send: line('PROPFIND / HTTP/1.1'), status: 501, code: 'method_not_implemented' },
  TRACE: { send: line('TRACE / HTTP/1.1'), status: 501, code: 'method_not_implemented' },
  CONNECT: {
    send: 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 501,
    code: 'method_not_implemented',
  },
  // Queries.
  'over 50 parameters': {
    send: get(`/items/1?${'a=1&'.repeat(60)}`),
    status: 400,
    code: 'invalid_query',
    pointers: [''],
  },
  'a bad escape in the query': {
    send: get('/items/1?limit=%zz'),
    status: 400,
    code: 'invalid_query',
  },
  'a parameter of the wrong type': {
    send: get('/items/1?limit=x'),
    status: 400,
    code: 'invalid_query',
    pointers: ['/limit'],
  },
  'an unknown parameter': {
    send: get('/items/1?a/b~=1'),
    status: 400,
    code: 'invalid_query',
    pointers: ['/a~1b~0'],
  },
  'a parameter named __proto__': {
    send: get('/items/1?__proto__=1'),
    status: 400,
    code: 'invalid_query',
  },
  // Media.
  'no content type': {
    send: line('POST /items HTTP/1.1', 'Content-Length: 2') + '{}',
    status: 415,
    code: 'unsupported_media_type',
    headers: { accept: 'application/json' },
  },
  'text/plain': {
    send: post('{}', ['Content-Type: text/plain']),
    status: 415,
    code: 'unsupported_media_type',
  },
  'a form': {
    send: post('title=a', ['Content-Type: application/x-www-form-urlencoded']),
    status: 415,
    code: 'unsupported_media_type',
  },
  'another charset': {
    send: post('{}', ['Content-Type: application/json; charset=latin1']),
    status: 415,
    code: 'unsupported_media_type',
  },
  'a content type that goes on': {
    send: post('{}', ['Content-Type: application/json, text/plain']),
    status: 415,
    code: 'unsupported_media_type',
  },
  gzip: {
    send: post('{}', ['Content-Encoding: gzip']),
    status: 415,
    code: 'unsupported_content_encoding',
    headers: { 'accept-encoding': 'identity' },
  },
  brotli: {
    send: post('{}', ['Content-Encoding: br']),
    status: 415,
    code: 'unsupported_content_encoding',
  },
  'identity, in capitals': {
    send: post('[]', ['Content-Encoding: Identity'], '/tree'),
    status: 200,
  },
  'gzip on a raw body': {
    send: post('{}', ['Content-Encoding: gzip'], '/raw'),
    status: 415,
    code: 'unsupported_content_encoding',
  },
  'an Accept that cannot be met': {
    send: get('/', 'Accept: image/png'),
    status: 406,
    code: 'not_acceptable',
  },
  'an Accept of quality 0': {
    send: get('/', 'Accept: application/json;q=0'),
    status: 406,
    code: 'not_acceptable',
  },
  // Bodies.
  'an empty body': { send: post(''), status: 400, code: 'empty_body' },
  'no body': { send: line('POST /items HTTP/1.1'), status: 400, code: 'empty_body' },
  'an empty chunked body': { send: chunked('0\r\n\r\n'), status: 400, code: 'empty_body' },
  'half an object': { send: post('{"title":'), status: 400, code: 'invalid_json' },
  'a trailing comma': { send: post('{"title":"a",}'), status: 400, code: 'invalid_json' },
  'single quotes': { send: post("{'title':'a'}"), status: 400, code: 'invalid_json' },
  NaN: { send: post('{"title":NaN}'), status: 400, code: 'invalid_json' },
  'a comment': { send: post('{}//'), status: 400, code: 'invalid_json' },
  'two values': { send: post('{}{}'), status: 400, code: 'invalid_json' },
  'a raw line break in text': { send: post('{"title":"a\nb"}'), status: 400, code: 'invalid_json' },
  'a body that is not UTF-8': {
    send: post(bytes('{"title":"', [0xff, 0xfe], '"}')),
    status: 400,
    code: 'invalid_utf8',
  },
  'UTF-16': {
    send: post(Buffer.from('{"title":"é"}', 'utf16le')),
    status: 400,
    code: 'invalid_utf8',
  },
  '65 levels': {
    send: post('['.repeat(65) + ']'.repeat(65), [], '/tree'),
    status: 400,
    code: 'json_too_deep',
  },
  '100,000 levels': {
    send: post('['.repeat(100_000), [], '/tree'),
    status: 400,
    code: 'json_too_deep',
  },
  '100,000 nested objects': {
    send: post('{"a":'.repeat(50_000), [], '/tree'),
    status: 400,
    code: 'json_too_deep',
  },
  '10,001 elements': {
    send: post(`[${'1,'.repeat(10_000)}1]`, [], '/tree'),
    status: 413,
    code: 'json_too_many_values',
  },
  'too many values, and no JSON either': {
    send: post('[,'.repeat(60) + ','.repeat(10_000), [], '/tree'),
    status: 413,
    code: 'json_too_many_values',
  },
  '10,001 members of many objects': {
    send: post(`[${'{"a":1},'.repeat(5_000)}{"a":1}]`, [], '/tree'),
    status: 413,
    code: 'json_too_many_values',
  },
  '10,001 empty arrays in an array': {
    send: post(`[${'[],'.repeat(10_000)}[]]`, [], '/tree'),
    status: 413,
    code: 'json_too_many_values',
  },
  '10,000 elements': { send: post(`[${'1,'.repeat(9_999)}1]`, [], '/tree'), status: 200 },
  '20,000 commas and brackets in text': {
    send: post(`["\\"${'[,'.repeat(10_000)}"]`, [], '/tree'),
    status: 200,
  },
  'brackets in text': { send: post(`"${'['.repeat(500)}\\""`, [], '/tree'), status: 200 },
  '64 levels': { send: post('['.repeat(64) + ']'.repeat(64), [], '/tree'), status: 200 },
  __proto__: { send: post('{"__proto__":{"a":1}}'), status: 400, code: 'forbidden_key' },
  '__proto__ in escapes': {
    send: post('{"\\u005f_proto_\\u005f":{"a":1}}'),
    status: 400,
    code: 'forbidden_key',
  },
  '__proto__ deep inside': {
    send: post('[{"a":[{"__proto__":1}]}]', [], '/tree'),
    status: 400,
    code: 'forbidden_key',
  },
  'constructor.prototype': {
    send: post('{"constructor":{"prototype":{}}}'),
    status: 400,
    code: 'forbidden_key',
  },
  'a wrong type': {
    send: post('{"title":1}'),
    status: 422,
    code: 'invalid_body',
    pointers: ['/title'],
  },
  'an unknown key': {
    send: post('{"title":"a","role":"admin"}'),
    status: 422,
    code: 'invalid_body',
    pointers: ['/role'],
  },
  'a list': { send: post('[]'), status: 422, code: 'invalid_body', pointers: [''] },
  null: { send: post('null'), status: 422, code: 'invalid_body' },
  'a number': { send: post('1e400'), status: 422, code: 'invalid_body' },
  'a body that is declared too large': {
    send: line('POST /items HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 2000000'),
    status: 413,
    code: 'body_too_large',
    ...closes,
  },
  'a body that grows too large': {
    send: chunked(`800\r\n${' '.repeat(0x800)}\r\n`),
    status: 413,
    code: 'body_too_large',
    ...closes,
  },
  'a raw body that is too large': {
    send: post('a'.repeat(1_025), [], '/raw'),
    status: 413,
    code: 'body_too_large',
  },
  'Expect: 100-continue before a body that is too large': {
    send: line(
      'POST /items HTTP/1.1',
      'Content-Type: application/json',
      'Content-Length: 2000000',
      'Expect: 100-continue',
    ),
    status: 413,
    code: 'body_too_large',
    check: ({ text }) => assert.not.match(text, '100 Continue'),
  },
  'Expect: 100-continue before a body that is taken': {
    send: post('{"title":"a"}', ['Expect: 100-continue']),
    status: 200,
    check: ({ text }) => assert.match(text, /^HTTP\/1\.1 100 Continue/),
  },
  'another Expect': {
    send: post('{"title":"a"}', ['Expect: miracles']),
    status: 417,
    code: 'expectation_failed',
  },
  // Credentials.
  'no credential': {
    send: get('/mine'),
    status: 401,
    code: 'unauthorized',
    headers: { 'www-authenticate': 'Bearer' },
  },
  'a wrong credential': {
    send: get('/mine', 'Authorization: Bearer mallory'),
    status: 401,
    code: 'unauthorized',
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  },
  'a credential without the scope': {
    send: get('/admin', 'Authorization: Bearer alice'),
    status: 403,
    code: 'insufficient_scope',
  },
  // Strange, and right.
  'a header named __proto__': { send: get('/', '__proto__: 1'), status: 200 },
  'a header named constructor': { send: get('/', 'constructor: 1'), status: 200 },
  'a body on GET': { send: line('GET / HTTP/1.1', 'Content-Length: 2') + '{}', status: 200 },
  'an upgrade that nobody offers': {
    send: get('/', 'Connection: Upgrade', 'Upgrade: websocket'),
    status: 200,
  },
  'a chunk extension': {
    send: chunked('d;a=b\r\n{"title":"a"}\r\n0\r\n\r\n'),
    status: 200,
  },
  'chunk extensions over 16 KiB': {
    send: chunked(`d;a=${'b'.repeat(20_000)}\r\n{"title":"a"}\r\n0\r\n\r\n`),
    status: 413,
    code: 'chunk_extensions_too_large',
    deno: { status: 200 },
  },
  'a trailer': { send: chunked('d\r\n{"title":"a"}\r\n0\r\nX-T: 1\r\n\r\n'), status: 200 },
  'a JSON suffix type': {
    send: post('{"title":"a"}', ['Content-Type: application/merge-patch+json; charset=UTF-8']),
    status: 200,
  },
}
