import * as z from 'zod'

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const byteUnits: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
}

function quantity(units: Readonly<Record<string, number>>, example: string) {
  const pattern = new RegExp(`^(\\d+)(${Object.keys(units).join('|')})$`)
  return z
    .string({ error: `must be text with a unit, such as ${example}` })
    .regex(pattern, {
      error: `must be a whole number with a unit (${Object.keys(units).join(', ')}), such as ${example}`,
    })
    .transform((text) => {
      const [, count, unit] = pattern.exec(text) ?? []
      return Number(count) * (units[unit ?? ''] ?? Number.NaN)
    })
}

/** `250ms`, `20s`, `5m`, `8h`, `7d` → milliseconds. A bare number is refused. Defaults by `.prefault('20s')`. */
export const duration = () => quantity(durationUnits, '20s')

/** A timer that is set for longer (2³¹ ms) fires at once. */
const longestMs = 24 * 86_400_000

/** A duration that a timer can wait for. */
export const wait = () =>
  duration().refine((ms) => ms <= longestMs, { error: 'must be at most 24d' })

/** One that ends something: 0 would mean never, as node:http reads it, or always. */
export const deadline = () => wait().refine((ms) => ms > 0, { error: 'must be more than 0ms' })

/** `512B`, `64KiB`, `1MiB` → bytes. A bare number is refused. */
export const byteSize = () => quantity(byteUnits, '64KiB')
