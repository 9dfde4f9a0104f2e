import type { ChaosEvent } from "./ChaosEvent.ts"
import { killActorNode } from "./events/KillActorNode.ts"
import { killRelay } from "./events/KillRelay.ts"
import { killRelayAndActor } from "./events/KillRelayAndActor.ts"
import { loadBalancer } from "./events/LoadBalancer.ts"
import { loss } from "./events/Loss.ts"
import { partition } from "./events/Partition.ts"
import { restartSingle } from "./events/RestartSingle.ts"
import { rollingRestart } from "./events/RollingRestart.ts"
import { sigtermRelay } from "./events/SigtermRelay.ts"
import { stopRelay } from "./events/StopRelay.ts"
import { storeDown } from "./events/StoreDown.ts"

/** Those of one setting follow each other: they find the same fleet. */
export const all: ReadonlyArray<ChaosEvent> = [
  killRelay,
  killRelayAndActor,
  stopRelay,
  loss,
  sigtermRelay,
  rollingRestart,
  killActorNode,
  storeDown,
  partition,
  restartSingle,
  loadBalancer
]
