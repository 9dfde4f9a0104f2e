import * as PlanFeed from "../../src/actor/PlanFeed.ts"
import * as PlanFeedSuite from "../suites/PlanFeedSuite.ts"

PlanFeedSuite.suite("memory", PlanFeed.layerMemory)
