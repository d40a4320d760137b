/** What is printed: a line a file, the whole output of a failed one, the totals, and at the end what failed. */
const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`
const count = (results, key) => results.reduce((total, result) => total + result[key], 0)

export function reportFile(result) {
  const { file, runtime, passed, failed, skips, ms, output, why } = result
  const mark = failed > 0 ? '✗' : skips.length > 0 ? '–' : '✓'
  console.log(
    `${mark} ${runtime.padEnd(6)} ${file.padEnd(58)} ${String(passed).padStart(4)} ${seconds(ms).padStart(7)}`,
  )
  if (failed === 0) return
  console.log(`${output.trimEnd().replace(/^/gm, '  │ ')}`)
  for (const reason of why) console.log(`  │ ${file} ${reason}`)
}

export function reportRun(results, missing, ms) {
  reportTable(results)
  reportSlowest(results)
  reportSkipped(results, missing)
  reportFailed(results.filter(({ failed }) => failed > 0))
  console.log(`\n${results.length} files in ${seconds(ms)}`)
}

/** Once more: of a long record often only the end is kept. */
function reportFailed(failures) {
  if (failures.length > 0) console.log('\nFailed')
  for (const [index, { file, runtime, why, output }] of failures.entries()) {
    console.log(`  ${runtime} ${file} ${why.join(', ')}`.trimEnd())
    if (index < maxTold) for (const line of reasons(output)) console.log(`  │ ${line}`)
  }
}

const maxTold = 10
const maxLines = 40
const foreign = /^\s+at .*(?:node_modules|node:|ext:)/

/** The failures that uvu tells, from the first on; the last lines of a file that did not come that far. */
function reasons(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !foreign.test(line))
  const first = lines.findIndex((line) => /^\s+FAIL\s/.test(line))
  if (first === -1) return lines.slice(-maxLines)
  const after = lines.slice(first)
  const end = after.findIndex((line) => /^\s+Total:/.test(line))
  return after.slice(0, end === -1 ? maxLines : Math.min(end, maxLines))
}

function reportTable(results) {
  const groups =
    Map.groupBy?.(results, ({ runtime, tier }) => `${runtime} ${tier}`) ?? groupBy(results)
  console.log('\nruntime  tier   files  passed  failed  skipped')
  for (const [name, group] of groups) {
    const [runtime, tier] = name.split(' ')
    const cells = [
      group.length,
      count(group, 'passed'),
      count(group, 'failed'),
      count(group, 'skipped'),
    ]
    const [files, passed, failed, skipped] = cells.map(String)
    console.log(
      `${runtime.padEnd(8)} ${tier.padEnd(6)} ${files.padStart(5)} ${passed.padStart(7)} ${failed.padStart(7)} ${skipped.padStart(8)}`,
    )
  }
}

/** Node 20 has no Map.groupBy. */
function groupBy(results) {
  const groups = new Map()
  for (const result of results) {
    const name = `${result.runtime} ${result.tier}`
    groups.set(name, [...(groups.get(name) ?? []), result])
  }
  return groups
}

function reportSlowest(results) {
  const slowest = results.toSorted((a, b) => b.ms - a.ms).slice(0, 5)
  const shown = slowest.map(({ file, runtime, ms }) => `${file} on ${runtime} ${seconds(ms)}`)
  console.log(`\nSlowest: ${shown.join(', ')}`)
}

function reportSkipped(results, missing) {
  const reasons = new Map()
  for (const { file, skips } of results)
    for (const skip of skips) reasons.set(skip, [...(reasons.get(skip) ?? []), file])
  if (reasons.size + missing.length > 0) console.log('\nSkipped')
  for (const { name, missing: why } of missing) console.log(`  everything on ${name}: ${why}`)
  for (const [reason, files] of reasons) console.log(`  ${reason}\n    ${files.join('\n    ')}`)
}

/** Read by machines: it stands alone on the last line. */
export const closingLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
