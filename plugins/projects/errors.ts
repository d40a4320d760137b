import { problems } from 'autodocops'

export const ProjectErrors = problems({
  project_not_found: {
    status: 404,
    title: 'No such project',
    detail: ({ id }: { id: number }) => `there is no project ${String(id)} that you may see`,
  },
  project_not_yours: {
    status: 403,
    title: 'Not your project',
    detail: ({ id }: { id: number }) => `project ${String(id)} can be changed by its owner only`,
  },
  project_name_taken: {
    status: 409,
    title: 'You have a project of that name',
    detail: ({ name }: { name: string }) => `you already have a project named '${name}'`,
    hint: 'Choose another name, or change the project that has it.',
  },
})
