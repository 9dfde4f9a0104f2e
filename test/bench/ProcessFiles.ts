import * as Fs from "node:fs"

/** What Linux tells about a process. The parsers are apart from the files, to be tested without them. */

/** User and system time so far. Seconds. */
export interface CpuTime {
  readonly userSeconds: number
  readonly systemSeconds: number
}

/** Ticks a second of utime and stime: USER_HZ, which Linux has fixed to 100 for all that leaves the kernel. */
const ticksPerSecond = 100

/**
 * utime and stime of /proc/PID/stat, proc_pid_stat(5): fields 14 and 15. The second field is the program's name in
 * brackets and may have spaces and brackets in it, so counting starts behind the last one.
 */
export const parseStat = (text: string): CpuTime => {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return { userSeconds: Number(fields[11]) / ticksPerSecond, systemSeconds: Number(fields[12]) / ticksPerSecond }
}

/** Time on a processor, of /proc/PID/task/TID/schedstat: the first of three numbers, in nanoseconds. Seconds. */
export const parseSchedstat = (text: string): number => Number(text.split(" ")[0]) / 1e9

/** Time ready to run while others did, of the same: the second number, in nanoseconds. Seconds. */
export const parseSchedstatWait = (text: string): number => Number(text.split(" ")[1]) / 1e9

/** VmRSS of /proc/PID/status, proc_pid_status(5): in kB of 1024 bytes. Bytes. */
export const parseResidentBytes = (text: string): number => {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(text)
  if (found === null) throw new Error("/proc/PID/status has no VmRSS: the process is gone, or this is not Linux")
  return Number(found[1]) * 1024
}

/**
 * Rss of the largest mapping in /proc/PID/smaps, proc_pid_smaps(5), that is for data and of no file: what is resident of
 * the largest block of memory that the process has asked for. Bytes.
 */
export const parseLargestBlockResidentBytes = (text: string): number => {
  const block = /^[0-9a-f]+-[0-9a-f]+ rw-p \S+ \S+ 0 *\nSize:\s+(\d+) kB\n(?:[^R].*\n)*Rss:\s+(\d+) kB$/gm
  const blocks = [...text.matchAll(block)].map(([, size, resident]) => ({
    size: Number(size),
    resident: Number(resident)
  }))
  return (
    1024 *
    blocks.reduce((largest, each) => (each.size > largest.size ? each : largest), { size: 0, resident: 0 }).resident
  )
}

export const cpuTime = (pid: number): CpuTime => parseStat(Fs.readFileSync(`/proc/${pid}/stat`, "utf8"))

/** As `cpuTime`, of all threads together, to the nanosecond instead of the hundredth of a second. */
export const cpuSeconds = (pid: number): number => {
  const tasks = `/proc/${pid}/task`
  return Fs.readdirSync(tasks).reduce(
    (sum, task) => sum + parseSchedstat(Fs.readFileSync(`${tasks}/${task}/schedstat`, "utf8")),
    0
  )
}

/** How long its first thread so far was ready to run and others had its processor. */
export const waitSeconds = (pid: number): number =>
  parseSchedstatWait(Fs.readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8"))

export const residentBytes = (pid: number): number => parseResidentBytes(Fs.readFileSync(`/proc/${pid}/status`, "utf8"))

export const largestBlockResidentBytes = (pid: number): number =>
  parseLargestBlockResidentBytes(Fs.readFileSync(`/proc/${pid}/smaps`, "utf8"))
