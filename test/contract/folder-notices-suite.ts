/** What every source of notices must do. */
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { FolderNotices } from "../../src/domains/schedules/port.ts";

export interface NoticesFixture extends AsyncDisposable {
  readonly notices: FolderNotices;
  readonly folder: string;
  /** A file of the folder, or below it, changes. */
  change(path: string): Promise<void>;
  /** The folder is gone. */
  remove(): Promise<void>;
  /** A turn of whatever the notices wait for. */
  wait(): Promise<void>;
}

const waitsMax = 2000;

async function come(isThere: () => boolean, { wait }: NoticesFixture): Promise<void> {
  for (let each = 0; each < waitsMax && !isThere(); each += 1) await wait();
  assert.ok(isThere(), "no notice came");
}

export function noticesContract(name: string, make: () => Promise<NoticesFixture>): void {
  describe(`folder notices: ${name}`, () => {
    test("a change of a file tells, and one below tells, too", async () => {
      await using fixture = await make();
      let notices = 0;
      using _watching = fixture.notices.watch(fixture.folder, () => {
        notices += 1;
      });
      await fixture.change("a.md");
      await come(() => notices > 0, fixture);
      const before = notices;
      await fixture.change("below/b.md");
      await come(() => notices > before, fixture);
    });

    test("nothing comes behind the end, which may come twice", async () => {
      await using fixture = await make();
      let notices = 0;
      const watching = fixture.notices.watch(fixture.folder, () => {
        notices += 1;
      });
      watching[Symbol.dispose]();
      watching[Symbol.dispose]();
      await fixture.change("a.md");
      for (let each = 0; each < 5; each += 1) await fixture.wait();
      assert.equal(notices, 0);
    });

    test("two watchers of a folder do not disturb each other", async () => {
      await using fixture = await make();
      const told = [0, 0];
      const one = fixture.notices.watch(fixture.folder, () => {
        told[0] = (told[0] ?? 0) + 1;
      });
      using _other = fixture.notices.watch(fixture.folder, () => {
        told[1] = (told[1] ?? 0) + 1;
      });
      one[Symbol.dispose]();
      await fixture.change("a.md");
      await come(() => (told[1] ?? 0) > 0, fixture);
      assert.equal(told[0], 0);
    });
  });
}
