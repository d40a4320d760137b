import { exitCodes } from './verb.ts'

/**
 * What cannot be written is no crash. A reader that left (`| head`) has what it wanted; a result that is lost
 * in another way (a full disk) is told, and the code says so. A server goes on.
 */
export function surviveBrokenOutput(): void {
  process.stdout.on('error', (error) => {
    if (isReaderGone(error)) return
    process.exitCode ||= exitCodes.failed
    const hint = 'free space on its disk, or write to another place'
    writeLine(
      process.stderr,
      `standard output cannot be written: ${error.message}\n    hint: ${hint}`,
    )
  })
  process.stderr.on('error', () => undefined) // nobody is left to be told
}

/** On Deno a write that fails throws; on Node it is an event. */
export function writeLine(stream: NodeJS.WriteStream, line: string): void {
  try {
    stream.write(`${line}\n`)
  } catch (error) {
    stream.emit('error', error)
  }
}

const isReaderGone = (error: Error): boolean => 'code' in error && error.code === 'EPIPE'
