import { logContext } from './log-context.ts'

/**
 * Tells of faults that nobody caught, and whose they are. The runtime calls back in the asynchronous
 * context of the fault, and the host runs every hook and handler in its plugin's.
 */
export function attributeFaults(tell: (plugin: string, error: unknown) => void): () => void {
  const heard = (error: unknown) => tell(logContext()?.plugin ?? 'core', error)
  process.on('unhandledRejection', heard)
  process.on('uncaughtException', heard)
  return () => {
    process.off('unhandledRejection', heard)
    process.off('uncaughtException', heard)
  }
}
