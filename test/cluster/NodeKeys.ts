/** What the nodes of a test know. */
export const nodeKey = { id: "k1", clusterKey: new Uint8Array(32).fill(7) }
