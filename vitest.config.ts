import { defineConfig } from "vitest/config"
import { BaseSequencer, type Reporter, type TestSpecification } from "vitest/node"

/** Where every tool is required, a test that did not run is a failure. */
const failOnSkipped: Reporter = {
  onTestRunEnd: (modules) => {
    const skipped = modules.flatMap(({ children }) => [...children.allTests("skipped")])
    if (skipped.length === 0) return
    const names = skipped.map(({ fullName, module }) => `${module.relativeModuleId}: ${fullName}`)
    console.error(`TANDEM_REQUIRE=all, and these tests were skipped: ${names.join("; ")}`)
    process.exitCode = 1
  }
}

/** What counts packets that come late, in real time: it needs the machine for itself. */
const alone = ["test/interop/GStreamer.test.ts", "test/interop/Ffmpeg.test.ts"]

/** What takes longest: other processes, and whole clusters. */
const slow = ["test/cli/", "test/interop/", "test/swarm/", "test/cluster/", "test/fuzz/", "test/security/"]

/** Begins with what takes longest, so that no worker is left with it at the end while the others have nothing to do. */
class SlowFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = slow.findIndex((folder) => moduleId.includes(folder))
      return place < 0 ? slow.length : place
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  // The package by its own name, for the examples in docs.
  resolve: { tsconfigPaths: true },
  test: {
    reporters: process.env["TANDEM_REQUIRE"] === "all" ? ["default", failOnSkipped] : ["default"],
    // All cores: many tests wait for a process or a clock. By default one core would be left idle, which is half of two.
    maxWorkers: "100%",
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "code",
          include: ["test/**/*.test.ts", "docs/**/*.test.ts"],
          exclude: alone,
          // Files share what they import: Effect is loaded once by each worker, and not by each of two hundred files.
          isolate: false,
          // A machine that is busy with something else is no failure of a test.
          testTimeout: 20_000,
          sequence: { groupOrder: 1 }
        }
      },
      {
        // They come last and one by one.
        test: {
          name: "real clients",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
