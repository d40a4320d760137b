/** What the fake model knows. It answers in the question's language, about what the question names. */

interface Topic {
  readonly words: RegExp
  readonly en: readonly string[]
  readonly es: readonly string[]
}

const topics: readonly Topic[] = [
  {
    words: /\b(cach[eé]s?|caching|redis)\b/i,
    en: [
      'A cache pays off where the same answer is read far more often than it changes.',
      'Keep a small memory cache in each process in front of Redis, give every key a time to live with some jitter, and let only one caller load a missing key while the others wait for it.',
      'On a write, remove the key on every instance rather than waiting for its time to run out.',
      'When Redis is down, go on with the memory cache and the database: a slower answer is better than none.',
    ],
    es: [
      'Una caché vale la pena cuando la misma respuesta se lee mucho más a menudo de lo que cambia.',
      'Pon una caché pequeña en memoria delante de Redis, dale a cada clave un tiempo de vida con algo de variación y deja que una sola llamada cargue la clave que falta mientras las demás esperan.',
      'Al escribir, elimina la clave en todas las instancias en vez de esperar a que caduque.',
      'Si Redis no responde, sigue con la memoria y la base de datos: más vale una respuesta lenta que ninguna.',
    ],
  },
  {
    words: /\b(stream(ing)?|sse|chunk\w*|flujo|trozos)\b/i,
    en: [
      'Streaming shows the first word after a fraction of a second instead of the whole answer after many.',
      'Send each piece as soon as it arrives, stop reading from the source while the reader is busy, and cancel the source when the reader leaves.',
      'Most of all, end every stream with exactly one clear sign: finished, or failed.',
    ],
    es: [
      'El streaming muestra la primera palabra en una fracción de segundo, sin esperar la respuesta completa.',
      'Envía cada trozo en cuanto llega, deja de leer de la fuente mientras el lector está ocupado y cancélala cuando el lector se marcha.',
      'Sobre todo, termina cada flujo con una sola señal clara: acabado o fallido.',
    ],
  },
  {
    words: /\b(stripe|billing|subscri\w+|suscrip\w+|pagos?|payments?|webhooks?|factur\w+)\b/i,
    en: [
      'Let Stripe own the payment and keep your own copy of what a customer may do.',
      'Verify the signature of every webhook on its raw bytes, store it before you answer 200, and apply it once even when it comes twice or out of order.',
      'Then every other part of the system asks your own table, never Stripe.',
    ],
    es: [
      'Deja que Stripe se ocupe del pago y guarda tu propia copia de lo que cada cliente puede hacer.',
      'Verifica la firma de cada webhook sobre sus bytes originales, guárdalo antes de responder 200 y aplícalo una sola vez aunque llegue repetido o desordenado.',
      'Así el resto del sistema consulta tu tabla y nunca a Stripe.',
    ],
  },
  {
    words: /\b(plugins?|modul\w+|módulos?|extens\w+|complementos?)\b/i,
    en: [
      'A plugin is one folder: what it needs, what it provides, its routes and its configuration.',
      'It speaks to the others only through their contracts, so any of them can be switched off.',
      'Start with `autodocops new-plugin`, run its tests, and add one line to the manifest.',
    ],
    es: [
      'Un plugin es una sola carpeta: lo que necesita, lo que ofrece, sus rutas y su configuración.',
      'Habla con los demás solo a través de sus contratos, así que cualquiera se puede desactivar.',
      'Empieza con `autodocops new-plugin`, ejecuta sus pruebas y añade una línea al manifiesto.',
    ],
  },
  {
    words: /\b(docker|deploy\w*|kubernetes|despleg\w+|despliegue|contenedor\w*)\b/i,
    en: [
      'Build one image, give it its configuration through the environment, and run as many instances as you need.',
      'Point the readiness probe at `/readyz`, allow at least thirty seconds for a graceful stop, and keep state in Postgres and Redis only.',
      'A rolling update then loses no request.',
    ],
    es: [
      'Construye una sola imagen, pásale la configuración por el entorno y ejecuta tantas instancias como necesites.',
      'Dirige la sonda de disponibilidad a `/readyz`, deja al menos treinta segundos para una parada ordenada y guarda el estado solo en Postgres y Redis.',
      'Así una actualización gradual no pierde ninguna petición.',
    ],
  },
  {
    words: /^\W*(hola|buen[oa]s|hello|hi|hey)\b/i,
    en: [
      'Hello! I am the built-in demonstration model, and I am streaming this to you word by word.',
      'Ask me about caching, streaming, payments, plugins or deployment.',
    ],
    es: [
      '¡Hola! Soy el modelo de demostración integrado y te escribo esto palabra por palabra.',
      'Pregúntame por la caché, el streaming, los pagos, los plugins o el despliegue.',
    ],
  },
]

const other: Omit<Topic, 'words'> = {
  en: [
    'That is a good question to take apart: first what must be true at the end, then what can go wrong on the way.',
    'Write the smallest version that does the whole job, measure it, and let the numbers say what comes next.',
    'Whatever you keep, give it one place, one name and one test that fails without it.',
  ],
  es: [
    'Es una buena pregunta para ir por partes: primero qué debe cumplirse al final y luego qué puede fallar por el camino.',
    'Escribe la versión más pequeña que haga todo el trabajo, mídela y deja que los números digan qué sigue.',
    'Lo que conserves, que tenga un solo lugar, un solo nombre y una prueba que falle sin ello.',
  ],
}

const openings = {
  en: ['In short: ', 'Here is how I would do it. ', 'Let me think it through. ', ''],
  es: ['En pocas palabras: ', 'Yo lo haría así. ', 'Vamos por partes. ', ''],
} as const

const closings = {
  en: '(Demonstration model: set OPENAI_API_KEY or OPENAI_API_BASE to ask a real one.)',
  es: '(Modelo de demostración: configura OPENAI_API_KEY u OPENAI_API_BASE para usar uno real.)',
} as const

const spanish =
  /[¿¡ñáéíóú]|\b(hola|qué|que|cómo|como|para|por|una|los|las|del|gracias|buenos|dime|explica)\b/i

export const languageOf = (text: string): 'en' | 'es' => (spanish.test(text) ? 'es' : 'en')

/** The same question and seed give the same answer. */
export function answerTo(question: string, seed: number): string {
  const language = languageOf(question)
  const found = topics.filter(({ words }) => words.test(question)).slice(0, 2)
  const greets = found[0] === topics.at(-1)
  const opening = greets ? '' : (openings[language][seed % openings[language].length] ?? '')
  const body = (found.length === 0 ? [other] : found)
    .map((topic) => topic[language].join(' '))
    .join('\n\n')
  return `${opening}${body}\n\n${closings[language]}`
}
