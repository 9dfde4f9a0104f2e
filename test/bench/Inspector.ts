import { once } from "node:events"

/** Node's inspector as a client sees it: how to make a process collect its garbage without a line of ours in it. */
export interface Inspector {
  /** Throws away what nothing holds, and says what is left. Bytes. */
  readonly collect: () => Promise<HeapUse>
  readonly close: () => void
}

export interface HeapUse {
  readonly heapUsedBytes: number
  /** Held by the heap outside of it: buffers above all. */
  readonly externalBytes: number
}

/** One collection leaves what weak references and finalizers have just let go. */
const collections = 3

interface Response {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** Where the inspector listens, from what a process started with --inspect says. */
export const parseUrl = (line: string): string | undefined => /\bws:\/\/\S+/.exec(line)?.[0]

/** Chrome DevTools Protocol: https://chromedevtools.github.io/devtools-protocol/v8/ */
export const connect = async (url: string): Promise<Inspector> => {
  const socket = new WebSocket(url)
  await once(socket, "open")
  let requests = 0
  const waiting = new Map<number, (response: Response) => void>()
  socket.addEventListener("message", ({ data }) => {
    const response = JSON.parse(String(data)) as Response
    if (response.id !== undefined) waiting.get(response.id)?.(response)
  })
  const ask = async (method: string, params: Record<string, unknown> = {}): Promise<unknown> => {
    const id = ++requests
    const answered = new Promise<Response>((take) => waiting.set(id, take))
    socket.send(JSON.stringify({ id, method, params }))
    const { error, result } = await answered
    waiting.delete(id)
    if (error !== undefined) throw new Error(`the inspector refuses ${method}: ${error.message}`)
    return result
  }
  const memoryUsage = async (): Promise<NodeJS.MemoryUsage> => {
    const expression = "JSON.stringify(process.memoryUsage())"
    const { result } = (await ask("Runtime.evaluate", { expression })) as {
      readonly result: { readonly value: string }
    }
    return JSON.parse(result.value) as NodeJS.MemoryUsage
  }
  return {
    collect: async () => {
      for (let i = 0; i < collections; i++) await ask("HeapProfiler.collectGarbage")
      const { external, heapUsed } = await memoryUsage()
      return { heapUsedBytes: heapUsed, externalBytes: external }
    },
    close: () => socket.close()
  }
}
