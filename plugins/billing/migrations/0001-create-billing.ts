import type { Knex } from 'knex'

/**
 * Times are timestamptz, statuses are text (Stripe adds new ones), ids are Stripe's.
 * `account` is '' for our own account: connected ones have room.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table billing_events (
      id bigint generated always as identity primary key,
      event_id text not null,
      dedupe_id text not null,
      form text not null,
      type text not null,
      account text not null default '',
      livemode boolean not null,
      api_version text,
      stripe_created timestamptz not null,
      object_id text,
      subject text,
      raw text not null,
      status text not null default 'pending',
      attempts int not null default 0,
      next_attempt_at timestamptz not null default clock_timestamp(),
      claim_token text,
      deliveries int not null default 1,
      received_at timestamptz not null default clock_timestamp(),
      processed_at timestamptz,
      last_error text,
      unique (account, livemode, dedupe_id)
    );
    create index billing_events_due on billing_events (next_attempt_at, id) where status = 'pending';
    create index billing_events_subject on billing_events (subject, stripe_created);
    create index billing_events_status on billing_events (status, id);

    create table billing_leases (
      name text primary key,
      token text not null,
      until timestamptz not null
    );

    create table billing_customers (
      id text primary key,
      account text not null default '',
      livemode boolean not null,
      owner text not null,
      created_at timestamptz not null default clock_timestamp(),
      deleted_at timestamptz
    );
    create index billing_customers_owner on billing_customers (owner, created_at);

    create table billing_subscriptions (
      id text primary key,
      account text not null default '',
      livemode boolean not null,
      customer text not null,
      owner text,
      status text not null,
      plan text not null,
      current_period_start timestamptz,
      current_period_end timestamptz,
      trial_end timestamptz,
      cancel_at timestamptz,
      canceled_at timestamptz,
      ended_at timestamptz,
      latest_invoice text,
      created_at timestamptz,
      snapshot text not null,
      sync_source text not null,
      fetch_started_at timestamptz,
      source_created timestamptz,
      needs_refetch boolean not null default false,
      version int not null default 1,
      updated_at timestamptz not null default clock_timestamp()
    );
    create index billing_subscriptions_owner on billing_subscriptions (owner);
    create index billing_subscriptions_customer on billing_subscriptions (customer);

    create table billing_subscription_items (
      subscription_id text not null references billing_subscriptions (id) on delete cascade,
      id text not null,
      price text,
      lookup_key text,
      product text,
      quantity int,
      period_start timestamptz,
      period_end timestamptz,
      primary key (subscription_id, id)
    );

    create table billing_effects (
      effect text not null,
      business_key text not null,
      event_id text not null,
      created_at timestamptz not null default clock_timestamp(),
      primary key (effect, business_key)
    );

    create table billing_outbox (
      id bigint generated always as identity primary key,
      kind text not null,
      payload text not null,
      idempotency_key text not null unique,
      status text not null default 'pending',
      attempts int not null default 0,
      next_attempt_at timestamptz not null default clock_timestamp(),
      last_error text,
      created_at timestamptz not null default clock_timestamp()
    );
    create index billing_outbox_due on billing_outbox (next_attempt_at, id) where status = 'pending';

    create table billing_checkouts (
      id text primary key,
      owner text not null,
      plan text not null,
      status text not null default 'open',
      url text,
      idempotency_key text not null,
      expires_at timestamptz not null,
      created_at timestamptz not null default clock_timestamp()
    );
    create unique index billing_checkouts_open on billing_checkouts (owner, plan) where status = 'open';

    create table billing_entitlements (
      customer text not null,
      feature text not null,
      updated_at timestamptz not null default clock_timestamp(),
      primary key (customer, feature)
    );
    create table billing_entitlement_syncs (
      customer text primary key,
      source_created timestamptz not null
    );

    create table billing_usages (
      owner text not null,
      meter text not null,
      period_start timestamptz not null,
      used bigint not null default 0,
      reserved bigint not null default 0,
      primary key (owner, meter, period_start)
    );
    create table billing_reservations (
      id text primary key,
      owner text not null,
      meter text not null,
      key text not null,
      period_start timestamptz not null,
      amount bigint not null,
      actual bigint,
      status text not null default 'held',
      expires_at timestamptz not null,
      unique (owner, meter, key)
    );
    create index billing_reservations_held on billing_reservations (expires_at) where status = 'held';

    create table billing_cursors (
      name text primary key,
      value text not null,
      updated_at timestamptz not null default clock_timestamp()
    );
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table billing_cursors, billing_reservations, billing_usages, billing_entitlement_syncs,
      billing_entitlements, billing_checkouts, billing_outbox, billing_effects,
      billing_subscription_items, billing_subscriptions, billing_customers, billing_leases,
      billing_events;
  `)
}
