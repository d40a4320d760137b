import { problems } from 'autodocops'

/** Failures of authentication say nothing about why: one body for all (no oracle). The reason is an event. */
export const E = problems({
  invalid_token: {
    status: 401,
    title: 'The bearer credential is not valid',
    hint: 'Get a new token, or make an API key with POST /auth/keys.',
  },
  issuer_unavailable: {
    status: 503,
    title: 'The identity provider cannot be reached',
    detail: ({ issuer }: { issuer: string }) => `No keys from ${issuer}`,
    hint: 'Try again later.',
  },
  token_lifetime: {
    status: 422,
    title: 'A token cannot live that long',
    detail: ({ maxAgeMs }: { maxAgeMs: number }) => `The limit is ${maxAgeMs / 60_000} minutes`,
    hint: 'Ask for a shorter ttl, or raise maxAge in the config of auth.',
  },
  token_subject: {
    status: 422,
    title: 'A subject has 1 to 255 printable characters',
  },
  api_keys_need_database: {
    status: 501,
    title: 'API keys need the database plugin, which is off on this server',
    hint: 'Enable the plugin database, or use tokens.',
  },
  api_key_not_found: {
    status: 404,
    title: 'There is no such API key of yours',
    detail: ({ id }: { id: string }) => `No key ${id}`,
  },
  api_key_limit: {
    status: 409,
    title: 'There are too many API keys',
    detail: ({ limit }: { limit: number }) => `At most ${limit} keys for one owner`,
    hint: 'Revoke one first.',
  },
  api_key_scope: {
    status: 403,
    title: 'A key cannot do more than its owner',
    detail: ({ scope }: { scope: string }) => `You do not hold the scope ${scope}`,
  },
  api_key_cannot_mint: {
    status: 403,
    title: 'An API key cannot make API keys',
    hint: 'Use a token or a session.',
  },
})
