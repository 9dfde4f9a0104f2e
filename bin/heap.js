// How the heap of a relay grows. For what runs before anything else in its process; plain JavaScript as bin/tandem.js is.
//
// V8 lets its space for young objects grow to 50 MB while a relay starts, and pauses for 3 to 5 ms for each of its collections then:
// a packet that waits 5 ms is worse than ten that wait half of one. Kept at 1 MB it is collected in 1 ms, but 13 times a second,
// and what lives for a moment when many come into calls counts as old by then. So it stays as it is while the relay starts, and then
// grows until its collections are rare and short. That of everything takes 60 to 100 ms of the core, with a pause of 10 to 20 ms:
// the heap may grow to three times what is in use before. docs/decisions/0029-heap-of-a-relay.md.
import { PerformanceObserver } from "perf_hooks"
import { getHeapSpaceStatistics, setFlagsFromString } from "v8"

/** Of V8's young space, both halves and what is kept beside them. Bytes. */
const youngBytesMax = 16 * 1024 * 1024
/** What is made meanwhile is there to stay. Milliseconds. */
const startMs = 1500

const hold = () => setFlagsFromString("--semi-space-growth-factor=1")
const youngBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size

const observer = new PerformanceObserver(() => {
  if (youngBytes() < youngBytesMax) return
  hold()
  observer.disconnect()
})

hold()
setFlagsFromString("--heap-growing-percent=200")
setTimeout(() => {
  setFlagsFromString("--semi-space-growth-factor=2")
  observer.observe({ entryTypes: ["gc"] })
}, startMs).unref()
