import type { StreamDescription } from "../protocol/StreamDescription.ts"
import { sourcesOf } from "../protocol/StreamSources.ts"
import * as LayerSelection from "../media/LayerSelection.ts"
import * as LayerForwarding from "./LayerForwarding.ts"
import * as RelayLeg from "./RelayLeg.ts"
import type { RelayStream } from "./RelayStream.ts"

/** What one participant sends, and the leg on which it comes in. */
export interface Sender {
  readonly from: RelayLeg.RelayLeg
  readonly streams: ReadonlyArray<StreamDescription>
}

/**
 * Gives each device that may have layers of a source one of them: call when the targets of all streams are what the plan
 * allows. A trunk gets all that anybody behind it may have. What flows already flows on. A stream without layers goes to
 * all: its sender follows the slowest of them, and nobody else could send him less.
 */
export const connect = (
  senders: ReadonlyArray<Sender>,
  devices: ReadonlyArray<RelayLeg.RelayLeg>,
  nowMs: number
): void => {
  const before = new Map(devices.map((device) => [device, device.layers]))
  const after = new Map(
    devices.map((device): [RelayLeg.RelayLeg, Array<LayerForwarding.LayerForwarding>] => [device, []])
  )
  for (const { from, streams } of senders) {
    for (const source of sourcesOf(streams)) {
      const layers = source.map(({ ssrc }) => RelayLeg.findStream(from, ssrc)).filter((layer) => layer !== undefined)
      if (source[0].simulcast === undefined || layers.length < source.length) continue
      const receivers = devices.filter((device) => layers.some(({ targets }) => targets.includes(device)))
      const known = receivers.map((device) => before.get(device)!.find((one) => isSameSource(one.layers, layers)))
      for (const layer of layers) {
        layer.isSelected = true
        layer.pending = []
        layer.sparing = []
      }
      const chosen = receivers.map((receiver, index) => {
        const one = known[index] ?? LayerForwarding.make(receiver, from, layers)
        one.from = from
        one.layers = layers
        one.selection.allowed = layers.findLastIndex(({ targets }) => targets.includes(receiver))
        for (const [layer, { targets }] of layers.entries()) {
          const isAnew = LayerSelection.plan(one.selection, layer, targets.includes(receiver), nowMs)
          // On a trunk it was left out meanwhile, and nothing says so.
          if (isAnew && one.flowing === layer && from.carrier !== undefined) LayerForwarding.interrupt(one)
        }
        // What is planned now is looked at with the next frame of it.
        receiver.layersPolledAtMs = -Infinity
        after.get(receiver)!.push(one)
        return one
      })
      for (const [index, layer] of layers.entries()) {
        const others = layer.targets.filter((target) => !receivers.includes(target))
        const flowing = chosen.filter((one) => one.flowing === index).map(({ receiver }) => receiver)
        layer.targets = [...others, ...flowing]
      }
      for (const one of chosen) LayerForwarding.link(one)
    }
  }
  for (const [device, layers] of after) {
    device.layers = layers
    device.holes = layers.reduce((count, { holeIn }) => (holeIn < 0 ? count : count + 1), 0)
  }
}

const isSameSource = (these: ReadonlyArray<RelayStream>, those: ReadonlyArray<RelayStream>): boolean =>
  these.length === those.length && these.every((one, index) => one.description.ssrc === those[index]!.description.ssrc)
