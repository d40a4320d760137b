import { Model } from 'objection'

/** A row of `projects_projects`. Declared only: an initialiser would overwrite what is stored on a patch. */
export class Project extends Model {
  declare id: number
  /** `principal.subject`; null: nobody's, which makes it unchangeable. */
  declare owner: string | null
  declare name: string
  declare description: string | null
  declare visibility: 'public' | 'private'
  declare createdAt: Date
  declare updatedAt: Date

  static override get tableName(): string {
    return 'projects_projects'
  }
}
