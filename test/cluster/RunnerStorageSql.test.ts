import * as NodeSqlite from "../../src/state/NodeSqlite.ts"
import * as RunnerStorageSuite from "../suites/RunnerStorageSuite.ts"

RunnerStorageSuite.suite("sqlite in memory", NodeSqlite.layer({ file: ":memory:" }))
