import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })

/**
 * A free port for a program that cannot listen on port 0. Below the range from which the kernel gives
 * outgoing connections theirs, so that nobody takes it in between; `alsoFree` is for a Redis Cluster's bus.
 */
export async function sparePort(alsoFree = 0): Promise<number> {
  const port = randomInt(12_000, 32_000 - alsoFree)
  const free = (await isFree(port)) && (alsoFree === 0 || (await isFree(port + alsoFree)))
  return free ? port : sparePort(alsoFree)
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** Waits until somebody accepts connections, while `isAlive` says that it may still come. */
export async function listening(port: number, isAlive: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 2_400 && isAlive(); tries++) {
    if (await answers(port)) return true
    await sleep(25)
  }
  return false
}
