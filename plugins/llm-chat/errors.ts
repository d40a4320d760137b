import { problems } from 'autodocops'

/** Texts never hold a prompt, an answer, a key or a host: only what the client said of itself and limits. */
export const ChatErrors = problems({
  model_not_found: {
    status: 404,
    title: 'No such model',
    detail: ({ model }: { model: string }) => `there is no model '${model}'`,
    hint: 'GET /v1/models lists them.',
  },
  model_not_in_plan: {
    status: 403,
    title: 'Model not in your plan',
    detail: ({ model, plan }: { model: string; plan: string }) =>
      `the plan '${plan}' does not include the model '${model}'`,
  },
  conversation_not_found: {
    status: 404,
    title: 'No such conversation',
    detail: ({ id }: { id: string }) => `you have no conversation '${id}'`,
  },
  stream_not_found: {
    status: 404,
    title: 'No such stream',
    detail: ({ id }: { id: string }) => `you have no stream '${id}', or it is no longer kept`,
    hint: 'Only answers asked for with "resumable": true are kept, for some minutes.',
  },
  context_length_exceeded: {
    status: 400,
    title: 'Question too long',
    detail: ({ tokens, limit }: { tokens: number; limit: number }) =>
      `about ${tokens} tokens; the model takes ${limit}`,
  },
  model_context_exceeded: { status: 400, title: 'The model found the question too long' },
  model_refused_request: {
    status: 400,
    title: 'The model refused the request',
    hint: 'Check the parameters: not every model takes every one.',
  },
  content_filtered: { status: 400, title: 'The model’s content filter refused the question' },
  concurrency_limit: {
    status: 429,
    title: 'Too many answers at the same time',
    detail: ({ limit }: { limit: number }) => `${limit} of your answers are running`,
  },
  request_rate_limit: {
    status: 429,
    title: 'Too many questions',
    detail: ({ limit }: { limit: number }) => `${limit} questions a minute`,
  },
  token_rate_limit: {
    status: 429,
    title: 'Too many tokens',
    detail: ({ limit }: { limit: number }) => `${limit} tokens a minute`,
  },
  chat_quota_exceeded: {
    status: 429,
    title: 'Monthly tokens used up',
    detail: ({ remaining }: { remaining: number }) => `${remaining} tokens are left`,
    hint: 'GET /chat/usage says when they come back.',
  },
  too_many_streams: { status: 503, title: 'This server is answering as many as it can' },
  model_unreachable: { status: 502, title: 'The model could not be reached' },
  model_credentials_refused: { status: 502, title: 'The model refused this server’s credentials' },
  model_quota_exhausted: { status: 502, title: 'This server’s account at the model is used up' },
  model_bad_reply: { status: 502, title: 'The model answered something that is no answer' },
  model_disconnected: { status: 502, title: 'The model broke off' },
  model_failed: { status: 502, title: 'The model failed' },
  model_overloaded: { status: 503, title: 'The model is overloaded' },
  model_circuit_open: { status: 503, title: 'The model failed repeatedly and is being spared' },
  first_token_timeout: { status: 504, title: 'The model did not begin in time' },
  idle_timeout: { status: 504, title: 'The model fell silent' },
  total_timeout: { status: 504, title: 'The answer took too long' },
  answer_cancelled: { status: 409, title: 'The answer was stopped' },
  answer_too_large: { status: 502, title: 'The answer is larger than is kept' },
  stream_store_unavailable: {
    status: 503,
    title: 'Kept answers cannot be read right now',
    hint: 'Try again in a moment.',
  },
  producer_lost: { status: 502, title: 'The server that was answering is gone' },
  server_shutdown: { status: 503, title: 'The server is stopping' },
})

export type ChatErrorCode = keyof typeof ChatErrors

type Plain = {
  [K in ChatErrorCode]: Parameters<(typeof ChatErrors)[K]>[0] extends object | undefined
    ? undefined extends Parameters<(typeof ChatErrors)[K]>[0]
      ? K
      : never
    : never
}[ChatErrorCode]

/** Those that need no values. */
export type PlainErrorCode = Plain
