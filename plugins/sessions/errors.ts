import { problems } from 'autodocops'

export const E = problems({
  csrf: {
    status: 403,
    title: 'A page of another site may not do this with your session',
    hint: 'Add its origin to server.origins, or send a bearer token.',
  },
  session_ended: {
    status: 401,
    title: 'The session ended during this request',
    detail: 'It was logged out, revoked or replaced; nothing was written.',
    hint: 'Log in again.',
  },
  session_store_unavailable: {
    status: 503,
    title: 'Sessions cannot be read at the moment',
    hint: 'Try again later with the same cookie; it is still valid.',
  },
  session_busy: {
    status: 503,
    title: 'Too many requests write to this session at once',
    hint: 'Try again.',
  },
  session_too_large: {
    status: 413,
    title: 'The session would hold too much',
    detail: ({ bytes, maxBytes }: { bytes: number; maxBytes: number }) =>
      `${bytes} bytes; at most ${maxBytes}`,
  },
  session_not_found: {
    status: 404,
    title: 'There is no such session of yours',
  },
  session_needs_person: {
    status: 403,
    title: 'An API key cannot open a session',
    detail: 'A session would outlive the revocation of the key.',
    hint: 'Use a token of a person.',
  },
})
