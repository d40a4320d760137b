import { faultAnnotation, FaultsError, faultText, isError, type Fault } from '../manifest/faults.ts'
import type { CliIo } from './verb.ts'

export type FaultFormat = 'text' | 'github'

/** What is wrong with a manifest, and how much; to where errors go. */
export function printFaults(
  faults: readonly Fault[],
  io: CliIo,
  format: FaultFormat = 'text',
): void {
  if (io.json) return
  if (format === 'github') return faults.forEach((fault) => io.out(faultAnnotation(fault)))
  for (const fault of faults) io.err(faultText(fault))
}

/** `3 faults and 1 warning`. */
export function countFaults(faults: readonly Fault[]): string {
  const errors = faults.filter(isError).length
  const warnings = faults.length - errors
  const parts = [counted(errors, 'fault'), counted(warnings, 'warning')]
  return parts.filter((part) => part !== '').join(' and ') || 'no fault'
}

const counted = (count: number, noun: string): string =>
  count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`

/** The faults that planning threw; any other error goes on. */
export function faultsOf(error: unknown): readonly Fault[] {
  if (error instanceof FaultsError) return error.faults
  throw error
}
