/** What every blob store must do. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, test } from "vitest";
import type { BlobStore } from "../../src/kernel/ports.ts";

export interface BlobFixture extends AsyncDisposable {
  /** Takes blobs of at most 1,000 bytes. */
  readonly blobs: BlobStore;
}

export const refOf = (content: string | Uint8Array) => `sha256:${createHash("sha256").update(content).digest("hex")}`;
const bytesOf = (text: string) => new TextEncoder().encode(text);

async function listed(blobs: BlobStore): Promise<{ ref: string; sizeBytes: number }[]> {
  const all: { ref: string; sizeBytes: number }[] = [];
  for await (const { ref, sizeBytes, modifiedMs } of blobs.list()) {
    assert.ok(Number.isInteger(modifiedMs));
    all.push({ ref, sizeBytes });
  }
  return all.toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
}

export function blobContract(name: string, make: () => Promise<BlobFixture>): void {
  describe(`blobs: ${name}`, () => {
    test("gives back what was put, under the hash of its content, and lists it once", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 1_000 }), { maxLength: 5 }), async (contents) => {
          await using fixture = await make();
          const { blobs } = fixture;
          for (const bytes of [...contents, ...contents]) assert.equal(await blobs.put(bytes), refOf(bytes));
          const wanted = new Map(contents.map((bytes) => [refOf(bytes), bytes]));
          for (const [ref, bytes] of wanted) assert.deepEqual([...((await blobs.get(ref)) ?? [])], [...bytes]);
          const expected = [...wanted].map(([ref, bytes]) => ({ ref, sizeBytes: bytes.byteLength }));
          assert.deepEqual(
            await listed(blobs),
            expected.toSorted((a, b) => (a.ref < b.ref ? -1 : 1)),
          );
        }),
        { numRuns: 15 },
      );
    });

    test("knows nothing that was never put, and no text that is not a reference", async () => {
      await using fixture = await make();
      const { blobs } = fixture;
      const hex = refOf("x").slice("sha256:".length);
      const foreign = [`sha256:${hex.toUpperCase()}`, hex, `sha512:${hex}`, "", "sha256:../../etc", `${refOf("x")}\n`];
      await blobs.put(bytesOf("x"));
      for (const ref of [...foreign, refOf("y")]) {
        assert.deepEqual([await blobs.has(ref), await blobs.get(ref)], [false, null]);
        await blobs.remove(ref);
      }
      assert.equal(await blobs.has(refOf("x")), true);
    });

    test("removes, also twice, and takes the same content again", async () => {
      await using fixture = await make();
      const { blobs } = fixture;
      const ref = await blobs.put(bytesOf("x"));
      await blobs.remove(ref);
      await blobs.remove(ref);
      assert.deepEqual([await blobs.has(ref), await blobs.get(ref), await listed(blobs)], [false, null, []]);
      assert.equal(await blobs.put(bytesOf("x")), ref);
      assert.equal(await blobs.has(ref), true);
    });

    test("refuses what is larger than the limit", async () => {
      await using fixture = await make();
      await assert.rejects(fixture.blobs.put(new Uint8Array(1_001)), { name: "FolderFault", code: "too-large" });
      assert.deepEqual(await listed(fixture.blobs), []);
    });

    test("keeps its own copy", async () => {
      await using fixture = await make();
      const bytes = bytesOf("abc");
      const ref = await fixture.blobs.put(bytes);
      bytes.fill(0);
      (await fixture.blobs.get(ref))?.fill(0);
      assert.deepEqual(await fixture.blobs.get(ref), bytesOf("abc"));
    });

    test("takes the same content from many at once", async () => {
      await using fixture = await make();
      const refs = await Promise.all(Array.from({ length: 8 }, () => fixture.blobs.put(bytesOf("same"))));
      assert.deepEqual(new Set(refs), new Set([refOf("same")]));
      assert.deepEqual(await listed(fixture.blobs), [{ ref: refOf("same"), sizeBytes: 4 }]);
    });
  });
}
