type Shown = string | number | boolean | null | undefined

export const escape = (value: Shown): string =>
  String(value ?? '').replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

/** One page, no script, nothing from outside. */
export const html = (
  title: string,
  body: string,
): string => `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#222;background:#fafafa}
button{font:inherit;padding:.5rem 1.2rem;border:0;border-radius:.4rem;background:#4b45c6;color:#fff;cursor:pointer}
.quiet{background:#ddd;color:#222}.sum{font-size:2rem}section{border:1px solid #ddd;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0;background:#fff}
table{border-collapse:collapse;margin-top:1rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0}</style>
<main><h1>${escape(title)}</h1>${body}</main></html>`
