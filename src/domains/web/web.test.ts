import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFakeWire, type FakeWireOptions } from "../../../test/kit/fake-wire.ts";
import { admin, makeKernel } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { isProblem } from "../../contract/problem.ts";
import { Fetch } from "./contract.ts";
import { decodedText } from "./decoded-text.ts";
import { readableText } from "./readable-text.ts";

async function fetched(answer: ReturnType<NonNullable<FakeWireOptions["answer"]>>, input: object = {}) {
  await using kit = await makeKernel({ egress: { wire: createFakeWire({ answer: () => answer }) } });
  const { outcome } = await kit.call("web.fetch", { url: "https://example.org/", ...input }, admin);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: { text: string; isCut: boolean; type: string; status: number; label: string } }).output;
}

const html = { "content-type": "text/html; charset=utf-8" };

test("a page becomes the text that somebody would read aloud", () => {
  const page = `<!doctype html><html><head><title>Gardens &amp; more</title><style>p{}</style></head><body>
    <script>if (a < b) document.write("<p>no</p>")</script><!-- <p>no</p> --><nav>Home</nav>
    <h1>Roses</h1><p>They   grow&nbsp;2&#8211;3&#x20;m<br>high, 1 < 2.</p><ul><li>red<li>white</ul><noscript>no</noscript>
    <svg><text>no</text></svg></body></html>`;
  assert.equal(
    readableText(page),
    "Gardens & more\n\nHome\n\nRoses\n\nThey grow 2–3 m\nhigh, 1 < 2.\n\n- red\n- white",
  );
});

test("cells of a table, pictures and signs of old pages stay apart and readable", () => {
  const table = "<table><tr><th>Plant</th><th>Water</th></tr><tr><td>Rose<td>weekly</tr></table>";
  assert.equal(readableText(table), "Plant | Water\n\nRose | weekly");
  assert.equal(readableText('<p>a<img src=x alt="a red rose">b<img src=y alt="">c</p>'), "a [a red rose] bc");
  assert.equal(
    readableText("it&#146;s 20&deg; &rarr; &eacute;t&eacute; &constructor;"),
    "it’s 20° → été &constructor;",
  );
});

test("what a tag or a drawing leaves open takes no text with it", () => {
  assert.equal(readableText("<a title=\"a > b\" data-x='>'>link</a> and <p don't>more"), "link and\nmore");
  assert.equal(readableText("<html><head><title>T</title><body>text"), "T\n\ntext");
  assert.equal(readableText('<p>one <svg viewBox="0 0 1 1"/> two'), "one two");
  assert.equal(readableText('<p title="never closed>one</p>two'), "one\ntwo");
});

test("a page is read in the charset that its bytes, its server or it itself names", () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
  const of = (body: Uint8Array, type = "text/html") =>
    decodedText(body, { type, isPage: type.startsWith("text/html") });
  assert.equal(of(bytes('<meta charset="windows-1252">\xe9\x80')), '<meta charset="windows-1252">é€');
  assert.equal(of(bytes("<meta http-equiv=x content='text/html; charset=iso-8859-2'>\xb1")).at(-1), "ą");
  assert.equal(of(Buffer.from("<meta charset=latin1>é"), "text/html; charset=utf-8").at(-1), "é");
  assert.equal(of(Buffer.from("\ufeffäö", "utf16le"), "text/plain"), "äö");
  assert.equal(of(Buffer.from("<meta charset=utf-16>é")).at(-1), "é");
  assert.equal(of(bytes("<meta charset=made-up>a")).at(-1), "a");
});

test("what is no page, or half of one, is read as far as it goes", () => {
  assert.equal(readableText("a < b, <b>c</b"), "a < b, c");
  assert.equal(readableText("<script>never closed"), "");
  assert.equal(readableText("&unknown; &#0; &#xd800; &#99999999;"), "&unknown; &#99999999;");
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("<", ">", "</", "p", "script", "<!--", "-->", "head", " ", "&amp;", "x")),
      (parts) => {
        const text = readableText(parts.join(""));
        assert.equal(text, text.trim());
      },
    ),
    runs(100),
  );
});

test("hostile pages take no longer than their length", () => {
  for (const part of ["<", "<!--", "<a ", "<script>", "</p", "<head><title", "&#", '<a b="', "<td>", "<img alt='"])
    readableText(part.repeat(200_000));
});

test("text is decoded, cut at whole characters, and labelled as a stranger's", async () => {
  const answer = await fetched({ text: "ä".repeat(100), headers: { "content-type": "text/plain" } }, { bytesMax: 7 });
  assert.deepEqual([answer.text, answer.isCut, answer.label], ["äää", true, "web"]);
  assert.equal((await fetched({ text: "<p>hi</p>", headers: html })).text, "hi");
  assert.equal((await fetched({ text: "<p>hi</p>", headers: html }, { form: "source" })).text, "<p>hi</p>");
  assert.equal((await fetched({ text: "{}", headers: { "content-type": "application/ld+json" } })).text, "{}");
  assert.equal((await fetched({ text: "ok", headers: { "content-type": "text/plain; charset=made-up" } })).text, "ok");
  assert.deepEqual((await fetched({ status: 404, text: "<h1>Gone", headers: html })).text, "Gone");
});

test("a picture is no text", async () => {
  await assert.rejects(
    fetched({ text: "GIF89a", headers: { "content-type": "image/gif" } }),
    (error) => isProblem(error) && error.definition.code === "web.not-text",
  );
});

test("what a call can send is never less than what it sends", () => {
  const input = { url: `https://example.org/${"a".repeat(1_000)}`, headers: { a: "b".repeat(500) } };
  assert.ok((Fetch.cost?.(input).bytesOut ?? 0) > 6 * (4_000 + 1_500));
  assert.deepEqual(Fetch.scope?.({ url: "https://EXAMPLE.org./x" }), { host: "example.org:443" });
  assert.deepEqual(Fetch.scope?.({ url: "nonsense" }), { host: "nowhere.invalid:1" });
});
