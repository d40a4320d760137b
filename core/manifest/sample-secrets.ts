/** What examples write where a secret belongs. Known to everybody, so as good as none. */
const samples = [
  /^your[_-].*[_-]here/i,
  /^(sk|pk|rk)_(test|live)_your/i,
  /^whsec_your/i,
  /^sk-your/i,
  /^(change[_-]?me|replace[_-]?me|example|secret|xxx+|<.*>|\.\.\.)$/i,
]

export const isSampleSecret = (text: string): boolean =>
  samples.some((sample) => sample.test(text.trim()))
