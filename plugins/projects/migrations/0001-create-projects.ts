import type { Knex } from 'knex'

const table = `
  create table projects_projects (
    id integer generated always as identity primary key,
    owner text,
    name text not null,
    description text,
    visibility text not null check (visibility in ('public', 'private')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint projects_projects_name unique (owner, name)
  )`

/** Project 1: what a newcomer reads first. It has no owner, so that nobody can change it. */
const demonstration = `
  insert into projects_projects (name, description, visibility)
  values ('AutoDocOps', 'A public project to try the API with.', 'public')`

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(table)
  await knex.raw(demonstration)
}
