import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Load from "../../src/throttle/Load.ts"
import * as LoadMeter from "../../src/throttle/LoadMeter.ts"
import { Throttle } from "../../src/throttle/Throttle.ts"
import * as ThrottleAdaptive from "../../src/throttle/ThrottleAdaptive.ts"
import { bytesOf, pathOf, processorsOf, usageMsOf } from "../../src/throttle/sources/ControlGroup.ts"
import { LoopDelay } from "../../src/throttle/sources/LoopDelay.ts"
import { parse } from "../../src/throttle/sources/MachineCpu.ts"
import * as Sources from "./Sources.ts"

const logged = () => {
  const lines: Array<string> = []
  const layer = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
  return { lines, layer }
}

describe("LoadMeter", () => {
  it.effect("looks at what a relay has done, as long as it is watched", () => {
    const figures = Sources.idle()
    return Effect.gen(function* () {
      const { load, watch } = yield* LoadMeter.LoadMeter
      const watching = Effect.gen(function* () {
        yield* watch({ read: () => figures.work })
        yield* Sources.pass(figures, 1000)
        figures.work = { ...figures.work, received: 2500 }
        yield* Sources.pass(figures, 250)
        assert.isAbove(load().packetsPerSecond, 3000)
        yield* Sources.pass(figures, 5000)
        assert.isBelow(load().packetsPerSecond, 10)
      })
      yield* Effect.scoped(watching)
      yield* Sources.pass(figures, 250)
      assert.isNaN(load().packetsPerSecond)
    }).pipe(Effect.provide(Sources.meterOf(figures)))
  })

  it.effect("says once that figures have stopped, once that they are back, and goes on without", () => {
    const figures = { ...Sources.idle(), cpu: 0.4 }
    const { layer, lines } = logged()
    return Effect.gen(function* () {
      const { load } = yield* LoadMeter.LoadMeter
      yield* Sources.pass(figures, 10_000)
      assert.approximately(load().processCpu, 0.4, 0.01)
      figures.cpuMs = undefined
      yield* Sources.pass(figures, 10_000)
      assert.isNaN(load().processCpu)
      figures.cpuMs = 0
      yield* Sources.pass(figures, 10_000)
      assert.approximately(load().processCpu, 0.4, 0.01)
      assert.deepStrictEqual(lines, [
        "the load meter gets no figures any more: processCpuMs",
        "the load meter gets figures again: processCpuMs"
      ])
    }).pipe(Effect.provide(Sources.meterOf(figures).pipe(Layer.provideMerge(layer))))
  })

  it.effect("a machine that has slept has not been busy meanwhile", () => {
    const figures = { ...Sources.idle(), cpu: 0.3 }
    return Effect.gen(function* () {
      const { samples } = yield* LoadMeter.LoadMeter
      yield* Sources.pass(figures, 5000)
      const seen = yield* samples.pipe(Stream.take(4), Stream.runCollect, Effect.forkChild)
      yield* Effect.yieldNow
      yield* TestClock.setTime(60_000)
      yield* Sources.pass(figures, 2000)
      for (const { elapsedMs, load } of yield* Fiber.join(seen)) {
        assert.isAtMost(elapsedMs, 5000)
        assert.isAtMost(Load.utilization(load), 0.31)
      }
    }).pipe(Effect.provide(Sources.meterOf(figures)))
  })

  it.effect("a capacity that cannot be is said once, and left aside", () =>
    Effect.forEach([0, -5, NaN, Infinity, 12, 1e12], (capacityPerSecond) => {
      const { layer, lines } = logged()
      return Effect.gen(function* () {
        const { load } = yield* LoadMeter.LoadMeter
        assert.isNaN(load().capacityPerSecond)
        assert.lengthOf(lines, 1)
        assert.include(lines[0], `a capacity of ${capacityPerSecond} packets a second cannot be`)
      }).pipe(Effect.provide(Sources.meterOf(Sources.idle(), { capacityPerSecond }).pipe(Layer.provideMerge(layer))))
    })
  )

  it.live("reads this machine", () =>
    Effect.gen(function* () {
      const { load, samples } = yield* LoadMeter.LoadMeter
      yield* samples.pipe(Stream.take(1), Stream.runDrain)
      assert.isAbove(load().processCpu, 0)
      assert.isTrue(load().memory > 0 && load().memory < 1)
      assert.isAtLeast(load().machineCpu, 0)
    }).pipe(Effect.provide(LoadMeter.layer()))
  )
})

describe("LoopDelay", () => {
  it.effect("is how much longer the meter has slept than it asked for, of a machine that stood still one turn", () =>
    Effect.gen(function* () {
      const { read } = yield* LoopDelay
      for (const [sleptMs, delayMs] of [
        [249, 0],
        [250, 0],
        [310, 60],
        [60_000, 250]
      ] as const) {
        assert.strictEqual(read(250, sleptMs), delayMs)
      }
    }).pipe(Effect.provide(LoopDelay.layer))
  )
})

describe("what files say", () => {
  it("of processors", () => {
    const text = "cpu  4199388 490372 341624 3581124 7640 0 50268 616989 0 0\ncpu0 2080978 0 0 0\n"
    const idleMs = 10 * (3_581_124 + 7640)
    assert.deepStrictEqual(parse(text), { idleMs, stolenMs: 6_169_890, totalMs: 92_874_050 })
    assert.isUndefined(parse("intr 5\n"))
  })

  it("of control groups", () => {
    assert.strictEqual(pathOf("9:name=systemd:/\n0::/kubepods/pod1\n"), "/kubepods/pod1")
    assert.isUndefined(pathOf("4:memory:/a\n"))
    assert.strictEqual(processorsOf("50000 100000\n"), 0.5)
    assert.isUndefined(processorsOf("max 100000\n"))
    assert.strictEqual(usageMsOf("usage_usec 8123000\nuser_usec 1\n"), 8123)
    assert.strictEqual(bytesOf("1073741824\n"), Sources.gibibyte)
    assert.isUndefined(bytesOf("max\n"))
  })
})

describe("ThrottleAdaptive", () => {
  it.effect("withholds as the load grows, gives back as it falls, and says both", () => {
    const figures = { ...Sources.idle(), cpu: 0.2 }
    const { layer, lines } = logged()
    const meter = Sources.meterOf(figures)
    return Effect.gen(function* () {
      const { fullness, withheld } = yield* Throttle
      const seen: Array<number> = []
      yield* withheld.pipe(
        Stream.runForEach((extras) => Effect.sync(() => void seen.push(extras.length))),
        Effect.forkChild
      )
      yield* Sources.pass(figures, 5000)
      for (figures.cpu = 0.61; figures.cpu < 1; figures.cpu += 0.02) yield* Sources.pass(figures, 3000)
      assert.isAbove(fullness(), 0.9)
      figures.cpu = 0.2
      yield* Sources.pass(figures, 20_000)
      assert.approximately(fullness(), 0.2, 0.01)
      assert.deepStrictEqual(seen, [0, 1, 2, 3, 4, 3, 2, 1, 0])
      assert.strictEqual(lines[0], "busy: ongoing calls go without fec")
      assert.strictEqual(lines.at(-1), "ongoing calls have everything again")
    }).pipe(Effect.provide(ThrottleAdaptive.layer.pipe(Layer.provide(meter), Layer.provideMerge(layer))))
  })

  it.effect("figures that stop refuse nobody for long", () => {
    const figures = { ...Sources.idle(), cpu: 1 }
    return Effect.gen(function* () {
      const { admit } = yield* Throttle
      const asked = Effect.suspend(() => admit({ priority: "new-group-video", caller: "ada", tenant: "key-1" }))
      yield* Sources.pass(figures, 20_000)
      assert.isFalse(yield* Effect.isSuccess(asked))
      figures.cpuMs = undefined
      yield* Sources.pass(figures, 10_000)
      assert.isTrue(yield* Effect.isSuccess(asked))
    }).pipe(Effect.provide(Layer.provide(ThrottleAdaptive.layer, Sources.meterOf(figures))))
  })
})
