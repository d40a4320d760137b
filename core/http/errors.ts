import { problems } from '../errors.ts'

/** What the edge and the pipeline answer by themselves. */
export const HttpErrors = problems({
  malformed_request: { status: 400, title: 'The request cannot be read as HTTP' },
  invalid_host: {
    status: 400,
    title: 'The Host header is missing, doubled or malformed',
    hint: 'Send exactly one Host header.',
  },
  invalid_target: { status: 400, title: 'The request target is malformed' },
  invalid_path_encoding: {
    status: 400,
    title: 'The path is not percent-encoded UTF-8 without control characters',
  },
  invalid_query: { status: 400, title: 'The query is wrong' },
  empty_body: { status: 400, title: 'The body is empty' },
  invalid_json: { status: 400, title: 'The body is not JSON' },
  invalid_utf8: { status: 400, title: 'The body is not UTF-8' },
  json_too_deep: {
    status: 400,
    title: 'The JSON is nested too deeply',
    detail: ({ max }: { max: number }) => `At most ${max} levels are read.`,
  },
  forbidden_key: {
    status: 400,
    title: 'The JSON has a key that is not allowed',
    detail: '`__proto__` and `constructor.prototype` are refused.',
  },
  unauthorized: {
    status: 401,
    title: 'Who asks is not known',
    hint: 'Send a valid credential: Authorization: Bearer <token>.',
  },
  insufficient_scope: {
    status: 403,
    title: 'The credential does not allow this',
    detail: ({ scope }: { scope: string }) => `It needs the scope ${scope}.`,
  },
  origin_refused: {
    status: 403,
    title: 'Browsers may not call this listener',
    hint: 'Call it from a tool on this machine, without an Origin header and with a loopback Host.',
  },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    detail: ({ allow }: { allow: string }) => `Allowed: ${allow}.`,
  },
  not_acceptable: {
    status: 406,
    title: 'No representation that the Accept header allows',
    detail: ({ types }: { types: string }) => `There is: ${types}.`,
  },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    detail: ({ max }: { max: number }) => `At most ${max} bytes are read.`,
  },
  json_too_many_values: {
    status: 413,
    title: 'The JSON has too many values',
    detail: ({ max }: { max: number }) =>
      `At most ${max} members and elements are read, those of all levels together.`,
    hint: 'Send less at a time.',
  },
  chunk_extensions_too_large: { status: 413, title: 'The chunk extensions are too large' },
  uri_too_long: { status: 414, title: 'The request target is too long' },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not read here',
    hint: 'Send Content-Type: application/json in UTF-8.',
  },
  unsupported_content_encoding: {
    status: 415,
    title: 'The content encoding is not read here',
    hint: 'Send the body without Content-Encoding.',
  },
  expectation_failed: { status: 417, title: 'The Expect header asks for something unknown' },
  invalid_body: { status: 422, title: 'The body has the wrong shape' },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    detail: ({ seconds }: { seconds: number }) => `Try again in ${seconds} s.`,
  },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  too_many_headers: { status: 431, title: 'There are too many headers' },
  internal_error: { status: 500, title: 'Something broke on our side' },
  method_not_implemented: { status: 501, title: 'The method is not implemented' },
  starting: { status: 503, title: 'The server is starting', hint: 'Try again in a moment.' },
  plugin_unavailable: {
    status: 503,
    title: 'This part of the server is not running',
    hint: 'It is tried again by itself; the operator finds the reason in the log.',
  },
  plugin_stopped: {
    status: 503,
    title: 'This part of the server was replaced or stopped',
    hint: 'Connect again.',
  },
  handler_timeout: {
    status: 503,
    title: 'The answer took too long',
    detail: ({ ms }: { ms: number }) => `There was no reply within ${ms} ms.`,
  },
  overloaded: { status: 503, title: 'The server has too much to do', hint: 'Try again soon.' },
  server_draining: { status: 503, title: 'The server is stopping', hint: 'Connect again.' },
  stream_timeout: { status: 504, title: 'The stream was silent or alive for too long' },
  http_version: { status: 505, title: 'The HTTP version is not supported' },
})
