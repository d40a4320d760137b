export interface Instruction {
  readonly word: string
  readonly rest: string
}

export interface Stage {
  readonly name: string
  readonly from: string
  readonly steps: readonly Instruction[]
}

/** Comments gone, continued lines joined. Only what our own Dockerfile uses: no heredoc, no parser directive. */
export function instructionsOf(dockerfile: string): readonly Instruction[] {
  const text = dockerfile.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [word = '', ...rest] = line.split(' ')
      return { word: word.toUpperCase(), rest: rest.join(' ').trim() }
    })
}

/** From one FROM to the next. */
export function stagesOf(dockerfile: string): readonly Stage[] {
  const stages: { name: string; from: string; steps: Instruction[] }[] = []
  for (const step of instructionsOf(dockerfile)) {
    if (step.word !== 'FROM') {
      stages.at(-1)?.steps.push(step)
      continue
    }
    const [from = '', , name = ''] = step.rest.split(' ')
    stages.push({ name, from, steps: [] })
  }
  return stages
}
