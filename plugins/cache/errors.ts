import { problems } from 'autodocops'

export const E = problems({
  cache_key_invalid: {
    status: 500,
    title: 'The cache got a key that it cannot use',
    detail: ({ key }: { key: string }) => `the key or namespace '${key}' is empty or malformed`,
    hint: 'keys are non-empty text; namespaces are letters, digits and dashes',
  },
  cache_option_invalid: {
    status: 500,
    title: 'The cache got an option that it cannot use',
    detail: ({ option, value }: { option: string; value: unknown }) =>
      `${option}: ${String(value)} is out of range`,
    hint: 'times are whole milliseconds or text with a unit (20m), 30 days at most; ttl and hard are more than 0',
  },
  cache_value_undefined: {
    status: 500,
    title: 'The cache got a value that is not JSON',
    detail: ({ key }: { key: string }) => `the value for '${key}' is undefined or a function`,
    hint: 'cache null, or return context.skip(value)',
  },
  cache_source_timeout: {
    status: 503,
    title: 'A value could not be made in time',
    detail: ({ key, hardMs }: { key: string; hardMs: number }) =>
      `the source of '${key}' did not answer within ${hardMs} ms`,
    hint: 'try again; `hard` is the limit',
  },
  cache_server_absent: {
    status: 503,
    title: 'There is no cache to look into',
    detail: ({ redis }: { redis: string }) =>
      `no server runs on this dataDir, and Redis is ${redis} here`,
    hint: 'run it where the server runs, with the same manifest and dataDir',
  },
  cache_server_refused: {
    status: 502,
    title: 'The server did not answer for its cache',
    detail: ({ status }: { status: number }) => `its operations listener answered ${status}`,
    hint: 'is the cache plugin on there?',
  },
})
