import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { ChildProcess } from "node:child_process"
import * as Dgram from "node:dgram"
import { on, once } from "node:events"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { developmentKeyFile } from "../../src/server/KeyFile.ts"
import { packetOf } from "../client/RtpPackets.ts"
import * as InProcess from "./InProcess.ts"
import * as Processes from "./Processes.ts"
import * as Refusals from "./Refusals.ts"

const folder = Processes.temporaryFolder()
let relay: Awaited<ReturnType<typeof Processes.startRelay>>

beforeAll(async () => {
  relay = await Processes.startRelay(folder)
}, 20_000)
afterAll(async () => {
  await relay.stop()
  Fs.rmSync(folder, { recursive: true })
})

const video = "video/VP8/90000:96:11111"
const joining = (...flags: ReadonlyArray<string>) => [
  "bridge",
  "--relay",
  relay.address,
  "--call",
  "c",
  "--as",
  "ada",
  ...flags
]

/** The command line as a process refuses this. */
const refuses = async (args: ReadonlyArray<string>, exitCode: number, words: RegExp): Promise<void> =>
  Refusals.check(await Processes.run(folder, args), exitCode, words)

/** The same before a process makes a difference. */
const refusesToBegin = async (words: RegExp, ...flags: ReadonlyArray<string>): Promise<void> => {
  const keys = ["--keys", Path.join(folder, developmentKeyFile)]
  Refusals.check(await InProcess.run(joining(...keys, ...flags)), 2, words)
}

/** The objects that a process prints, line by line, as far as they are asked for. */
const reader = (child: ChildProcess) => {
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  return async (): Promise<Record<string, unknown>> => {
    const line = await lines.next()
    if (line.done === true) throw new Error("the process has ended")
    return JSON.parse(line.value) as Record<string, unknown>
  }
}

const portIn = (object: unknown, name: "rtpPort" | "rtcpPort"): number =>
  (object as Readonly<Record<typeof name, number>>)[name]

const openSocket = async (port: number) => {
  const socket = Dgram.createSocket("udp4")
  socket.bind(port, "127.0.0.1")
  await once(socket, "listening")
  return socket
}

describe("tandem bridge", { timeout: 60_000 }, () => {
  it("refuses flags that cannot be, with one line and exit code 2", async () => {
    await Promise.all([
      refuses(joining("--send", "vp8"), 2, /--send "vp8" cannot be read: write KIND/),
      refuses(["bridge", "--call", "c"], 2, /--token TOKEN, or --call CALL and --as NAME/),
      refusesToBegin(/--in-port 5001 cannot be: use an even port/, "--in-port", "5001"),
      refusesToBegin(/up to 65532/, "--send", video, "--send", "audio/opus/48000/2:111", "--in-port", "65534"),
      refusesToBegin(/--out-port 70000 cannot be/, "--out-port", "70000"),
      refusesToBegin(/--local "localhost" is not an IP address/, "--local", "localhost"),
      refusesToBegin(/--local 0\.0\.0\.0 is all addresses/, "--local", "0.0.0.0"),
      refusesToBegin(/--srtp-key is not 30 bytes in base64/, "--srtp-key", "abc"),
      refusesToBegin(/--passphrase is for programs that send in clear/, "--passphrase", "x", "--srtcp"),
      refusesToBegin(/--passphrase is empty: give the one/, "--passphrase", "")
    ])
  })

  it("refuses a directory for descriptions that cannot be one, before it joins", async () => {
    Fs.writeFileSync(Path.join(folder, "afile"), "")
    await Promise.all([
      refuses(joining("--sdp", "afile"), 2, /--sdp afile is a file: name a directory/),
      refuses(joining("--sdp", "afile/below"), 2, /--sdp afile\/below cannot be written to \(.+\): name another/)
    ])
  })

  it("says what it cannot do, with one line and exit code 1", async () => {
    const taken = await openSocket(0)
    const { port } = taken.address()
    const even = port % 2 === 0 ? port : port - 1
    await refuses(joining("--send", video, "--in-port", `${even}`), 1, /UDP port \d+ on 127\.0\.0\.1 is in use/)
    taken.close()
    await refuses(joining("--send", video, "--local", "203.0.113.1"), 1, /203\.0\.113\.1 is no address of this machine/)
  })

  it("carries packets of programs into a call and out of it, and tells of it in lines", async () => {
    const ada = Processes.start(folder, joining("--send", video, "--json"))
    const joiningAsLin = `bridge --relay ${relay.address} --call c --as lin --json --sdp described`
    const lin = Processes.start(folder, joiningAsLin.split(" "))
    const [nextOfAda, nextOfLin] = [reader(ada), reader(lin)]
    const ready = await nextOfAda()
    assert.strictEqual(ready["event"], "ready")
    assert.strictEqual(ready["relay"], relay.address)
    const [input] = ready["inputs"] as ReadonlyArray<Record<string, unknown>>
    assert.deepInclude(input, { kind: "video", codec: "vp8", clockRate: 90_000, payloadType: 96, ssrc: 11_111 })
    assert.deepStrictEqual(await nextOfLin(), { event: "ready", relay: relay.address, inputs: [] })

    const sender = await openSocket(0)
    const packet = (number: number) =>
      packetOf({ ssrc: 11_111, sequenceNumber: number, timestamp: number * 3000, extension: new Uint8Array(4) })
    sender.send(packet(0), portIn(input, "rtpPort"), "127.0.0.1")
    const stream = await nextOfLin()
    assert.deepInclude(stream, { event: "stream", participant: "ada", ssrc: 11_111, codec: "vp8", payloadType: 96 })
    const described = Fs.readFileSync(Path.join(folder, stream["sdp"] as string), "utf8")
    assert.strictEqual(Fs.statSync(Path.join(folder, stream["sdp"] as string)).mode & 0o777, 0o600)
    assert.include(described, `m=video ${portIn(stream["player"], "rtpPort")} RTP/AVPF 96`)

    const player = await openSocket(portIn(stream["player"], "rtpPort"))
    const messages = on(player, "message") as AsyncIterableIterator<[Uint8Array, Dgram.RemoteInfo]>
    sender.send(packet(1), portIn(input, "rtpPort"), "127.0.0.1")
    // The first packet went to the player when it was announced: whoever is quick gets it, too.
    let [bytes, source] = (await messages.next()).value as [Uint8Array, Dgram.RemoteInfo]
    if (bytes[3] === 0) [bytes, source] = (await messages.next()).value as [Uint8Array, Dgram.RemoteInfo]
    assert.deepStrictEqual(Uint8Array.from(bytes), packet(1))
    assert.strictEqual(source.port, portIn(stream["bridge"], "rtpPort"))
    player.close()

    sender.send(packetOf({ ssrc: 5, sequenceNumber: 0, timestamp: 0 }), portIn(input, "rtpPort"), "127.0.0.1")
    assert.deepStrictEqual(await nextOfAda(), { event: "otherSsrc", expected: 11_111, found: 5 })

    sender.close()

    ada.kill("SIGTERM")
    const summary = await nextOfAda()
    assert.strictEqual(summary["event"], "summary")
    const [sent] = summary["inputs"] as ReadonlyArray<Record<string, unknown>>
    assert.strictEqual(sent!["packets"], 2)
    assert.deepInclude(sent!["dropped"], { malformed: 0, otherSsrc: 1 })
    assert.deepStrictEqual(await once(ada, "exit"), [0, null])

    assert.deepStrictEqual(await nextOfLin(), { event: "ended", participant: "ada", ssrc: 11_111 })
    lin.kill("SIGINT")
    const outputs = (await nextOfLin())["outputs"] as ReadonlyArray<Record<string, unknown>>
    assert.deepStrictEqual(
      outputs.map(({ packets, ssrc }) => [ssrc, packets]),
      [[11_111, 2]]
    )
    assert.deepStrictEqual(await once(lin, "exit"), [0, null])
  })

  it("tells people what to paste", async () => {
    const child = Processes.start(folder, joining("--send", video, "--send", "audio/L16/44100/2:99:4000000000"))
    const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
    const next = async () => (await lines.next()).value as string
    assert.match(await next(), /^ada is in call c over 127\.0\.0\.1:\d+; Ctrl-C leaves it$/)
    assert.match(
      await next(),
      /^video VP8 \(SSRC 11111, payload type 96\): send RTP to port \d+ and RTCP to \d+ of 127\.0\.0\.1, as either of these does:$/
    )
    assert.match(await next(), /^ {2}gst-launch-1\.0 .* vp8enc .* pt=96 ssrc=11111 /)
    assert.match(await next(), /^ {2}ffmpeg .* libvpx .* -ssrc 11111 -payload_type 96 -f rtp "rtp:\/\/127\.0\.0\.1:\d+/)
    assert.match(await next(), /^audio L16 \(SSRC 4000000000, payload type 99\): send RTP to port [^,]*$/)
    child.kill("SIGTERM")
    assert.deepStrictEqual(await once(child, "exit"), [0, null])
  })
})
