/** Whether bytes begin with a text whose characters stand for one byte each: formats are told apart by it. */
export const startsWith = (bytes: Uint8Array, text: string): boolean => {
  if (bytes.length < text.length) return false
  for (let index = 0; index < text.length; index++) if (bytes[index] !== text.charCodeAt(index)) return false
  return true
}
