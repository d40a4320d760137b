import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE llm_chat_balances (
      owner text NOT NULL,
      period text NOT NULL,
      used bigint NOT NULL DEFAULT 0,
      reserved bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (owner, period)
    )`)
  await knex.raw(`
    CREATE TABLE llm_chat_generations (
      id text PRIMARY KEY,
      owner text NOT NULL,
      period text NOT NULL,
      model text NOT NULL,
      provider text,
      input_tokens integer NOT NULL,
      output_tokens integer NOT NULL DEFAULT 0,
      reserved integer NOT NULL,
      estimated boolean NOT NULL DEFAULT true,
      outcome text,
      duration_ms integer,
      expires_at timestamptz NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz
    )`)
  await knex.raw('CREATE INDEX ON llm_chat_generations (owner, created_at)')
  await knex.raw('CREATE INDEX ON llm_chat_generations (expires_at) WHERE outcome IS NULL')
  await knex.raw(`
    CREATE TABLE llm_chat_conversations (
      id text PRIMARY KEY,
      owner text NOT NULL,
      title text,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    )`)
  await knex.raw('CREATE INDEX ON llm_chat_conversations (owner, id)')
  await knex.raw(`
    CREATE TABLE llm_chat_messages (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id text NOT NULL UNIQUE,
      conversation_id text NOT NULL REFERENCES llm_chat_conversations ON DELETE CASCADE,
      role text NOT NULL,
      content text NOT NULL,
      model text,
      finish_reason text,
      created_at timestamptz NOT NULL DEFAULT now()
    )`)
  await knex.raw('CREATE INDEX ON llm_chat_messages (conversation_id, position)')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE llm_chat_messages, llm_chat_conversations')
  await knex.raw('DROP TABLE llm_chat_generations, llm_chat_balances')
}
