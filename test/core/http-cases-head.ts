import { bytes, chunked, get, line } from './http-messages.ts'
import type { Case } from './http-messages.ts'

const malformed = { status: 400, code: 'malformed_request' }
const badHost = { status: 400, code: 'invalid_host' }
const badPath = { status: 400, code: 'invalid_path_encoding' }
const badTarget = { status: 400, code: 'invalid_target' }
const closes = { headers: { connection: 'close' } }

/** What the parser and the edge refuse before a route is looked for. */
export const headCases: Readonly<Record<string, Case>> = {
  // What the parser cannot read.
  'bytes that are no HTTP': { send: bytes([0, 1, 2, 3], '\r\n\r\n'), ...malformed },
  'a TLS handshake on the plain port': {
    send: bytes([22, 3, 1, 2, 0, 1, 0, 1, 252]),
    ...malformed,
  },
  'bare line feeds': { send: 'GET / HTTP/1.1\nHost: a\n\n', ...malformed },
  'a folded header': { send: get('/', 'X-A: 1', ' folded'), ...malformed },
  'a space before the colon': { send: get('/', 'X-A : 1'), ...malformed },
  'an empty header name': { send: get('/', ': 1'), ...malformed },
  'a header without a colon': { send: get('/', 'nonsense'), ...malformed },
  'a space in a header name': { send: get('/', 'X A: 1'), ...malformed },
  'NUL in a header': { send: get('/', 'X-A: a\0b'), ...malformed },
  'a bare carriage return in a header': { send: get('/', 'X-A: a\rb'), ...malformed },
  'Content-Length and Transfer-Encoding': {
    send: chunked('0\r\n\r\n', 'Content-Length: 5'),
    ...malformed,
  },
  'two different Content-Length': {
    send: line('POST /items HTTP/1.1', 'Content-Length: 2', 'Content-Length: 3') + '{}',
    ...malformed,
  },
  'the same Content-Length twice': {
    send: line('POST /items HTTP/1.1', 'Content-Length: 2', 'Content-Length: 2') + '{}',
    ...malformed,
  },
  'a list as Content-Length': {
    send: line('POST /items HTTP/1.1', 'Content-Length: 2, 2') + '{}',
    ...malformed,
  },
  'a negative Content-Length': {
    send: line('POST / HTTP/1.1', 'Content-Length: -1'),
    ...malformed,
  },
  'a signed Content-Length': { send: line('POST / HTTP/1.1', 'Content-Length: +2'), ...malformed },
  'a hexadecimal Content-Length': {
    send: line('POST / HTTP/1.1', 'Content-Length: 0x2'),
    ...malformed,
  },
  'an endless Content-Length': {
    send: line('POST / HTTP/1.1', `Content-Length: ${'9'.repeat(40)}`),
    ...malformed,
  },
  'a coding before chunked': {
    send: line('POST /items HTTP/1.1', 'Transfer-Encoding: gzip, chunked') + '0\r\n\r\n',
    ...malformed,
  },
  'chunked twice': {
    send: line('POST /items HTTP/1.1', 'Transfer-Encoding: chunked, chunked') + '0\r\n\r\n',
    ...malformed,
  },
  'two Transfer-Encoding': {
    send:
      line('POST /items HTTP/1.1', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') +
      '0\r\n\r\n',
    ...malformed,
  },
  'Transfer-Encoding: identity': {
    send: line('POST /items HTTP/1.1', 'Transfer-Encoding: identity') + '{}',
    ...malformed,
  },
  'Transfer-Encoding with a vertical tab': {
    send: line('POST /items HTTP/1.1', 'Transfer-Encoding: \x0bchunked') + '0\r\n\r\n',
    ...malformed,
  },
  'a chunk size that is no number': { send: chunked('zz\r\n{}\r\n0\r\n\r\n'), ...malformed },
  'a chunk size that overflows': { send: chunked('ffffffffffffffffff\r\n'), ...malformed },
  'a chunk longer than its size': { send: chunked('1\r\n{}\r\n0\r\n\r\n'), ...malformed },
  'an unknown method': { send: line('FOO / HTTP/1.1'), ...malformed },
  'a method in lower case': { send: line('get / HTTP/1.1'), ...malformed },
  'two spaces after the method': { send: line('GET  / HTTP/1.1'), status: 200 },
  'a protocol that is not HTTP': { send: line('GET / HTTX/1.1'), ...malformed },
  'a request line of one word': { send: 'GET\r\n\r\n', ...malformed },
  'HTTP/0.9': { send: 'GET /\r\n\r\n', status: 505, code: 'http_version' },
  'HTTP/2.0 in a request line': { send: line('GET / HTTP/2.0'), status: 505, code: 'http_version' },
  'HTTP/3.0 in a request line': {
    send: line('GET / HTTP/3.0'),
    status: 505,
    code: 'http_version',
    deno: malformed,
  },
  // Host.
  'no Host': { send: 'GET / HTTP/1.1\r\n\r\n', ...badHost, ...closes },
  'two Host': { send: get('/', 'Host: b'), ...badHost },
  'the same Host twice': { send: get('/', 'host: a'), ...badHost },
  'an empty Host': { send: 'GET / HTTP/1.1\r\nHost:\r\n\r\n', ...badHost },
  'a Host with a space': { send: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', ...badHost },
  'a Host with a path': { send: 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', ...badHost },
  'a Host with a user': { send: 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', ...badHost },
  'a Host with a wordy port': { send: 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', ...badHost },
  'a list of Hosts': { send: 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n', ...badHost },
  'HTTP/1.0 without Host': { send: 'GET / HTTP/1.0\r\n\r\n', status: 200 },
  'an IPv6 Host': { send: 'GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', status: 200 },
  // Sizes.
  'headers over 16 KiB': {
    send: get('/', `X-A: ${'a'.repeat(17_000)}`),
    status: 431,
    code: 'headers_too_large',
  },
  'over 100 headers': {
    send: get('/', ...Array.from({ length: 120 }, (_, i) => `X-${i}: 1`)),
    status: 431,
    code: 'too_many_headers',
  },
  'a target over 8 KiB': { send: get(`/${'a'.repeat(8_200)}`), status: 414, code: 'uri_too_long' },
  'a query over 8 KiB': { send: get(`/?${'a'.repeat(8_200)}`), status: 414, code: 'uri_too_long' },
  // Targets.
  'a bad escape': { send: get('/%zz'), ...badPath },
  'half an escape': { send: get('/items/%4'), ...badPath },
  'NUL in the path': { send: get('/items/%00'), ...badPath },
  'a line break in the path': { send: get('/items/1%0d%0aX'), ...badPath },
  'DEL in the path': { send: get('/%7f'), ...badPath },
  'overlong UTF-8': { send: get('/%c0%af'), ...badPath },
  'a lone continuation byte': { send: get('/%bf'), ...badPath },
  'a surrogate in UTF-8': { send: get('/%ed%a0%80'), ...badPath },
  'a fragment': { send: get('/#top'), ...badTarget },
  'a target of another scheme': { send: get('ftp://a/'), ...badTarget },
  'GET *': { send: get('*'), ...badTarget },
  'the absolute form': { send: get('http://a/'), status: 200 },
  'the absolute form without a path': { send: get('http://a'), status: 200 },
  'OPTIONS *': { send: line('OPTIONS * HTTP/1.1'), status: 204 },
}
