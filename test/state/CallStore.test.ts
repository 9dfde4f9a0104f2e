import * as CallStore from "../../src/state/CallStore.ts"
import * as CallStoreSuite from "../suites/CallStoreSuite.ts"

CallStoreSuite.suite("memory", CallStore.layerMemory)
