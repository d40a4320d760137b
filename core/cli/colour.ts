import type { CliIo } from './verb.ts'

interface Stream {
  readonly isTTY?: boolean
}

/** Only at a terminal that knows them, and whose owner has not declined: https://no-color.org. */
export const hasColour = ({ isTTY }: Stream, { env }: Pick<CliIo, 'env'>): boolean =>
  isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'

const codes = { red: 31, green: 32, yellow: 33, dim: 2 } as const
export type Colour = keyof typeof codes

export const painter = (stream: Stream, io: Pick<CliIo, 'env'>) => {
  const isColoured = hasColour(stream, io)
  return (colour: Colour, text: string): string =>
    isColoured ? `\u001B[${codes[colour]}m${text}\u001B[0m` : text
}
