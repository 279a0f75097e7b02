import { ImageOffIcon } from "lucide-react";
import { memo, type ReactNode } from "react";
import {
  codeOf,
  headingOf,
  type Inline,
  inlinesOf,
  itemsOf,
  quoteOf,
  type RawBlock,
  rawBlocks,
  tableOf,
} from "../text/markdown.ts";
import { plain } from "../text/plain.ts";
import styles from "./markdown.module.css";

export interface MarkdownProps {
  readonly text: string;
  /** What is read in place of a picture, which is never fetched. */
  readonly pictureText: (host: string) => string;
}

/** A stranger's text as elements of the page: no HTML of theirs, no picture, and every link with its host. */
export function Markdown({ text, pictureText }: MarkdownProps) {
  return (
    <div className={styles["markdown"]}>
      {rawBlocks(text).map((block, index) => (
        // Blocks come at the end alone, so a place is as good as a name.
        // oxlint-disable-next-line react/no-array-index-key
        <Block key={index} kind={block.kind} source={block.lines.join("\n")} pictureText={pictureText} />
      ))}
    </div>
  );
}

interface BlockProps extends Pick<MarkdownProps, "pictureText"> {
  readonly kind: RawBlock["kind"];
  readonly source: string;
}

/** What has ended is not read again while the rest still comes. */
const Block = memo(function Block({ kind, source, pictureText }: BlockProps): ReactNode {
  const block = { kind, lines: source.split("\n") };
  const say = (text: string): ReactNode => <Words parts={inlinesOf(text)} pictureText={pictureText} />;
  switch (kind) {
    case "code":
      return (
        <pre>
          <code>{plain(codeOf(block).text)}</code>
        </pre>
      );
    case "heading":
      // Texts begin at any level and skip some; one level for all of them keeps the page's order whole.
      return (
        <p role="heading" aria-level={2} className={styles["heading"]}>
          {say(headingOf(block))}
        </p>
      );
    case "rule":
      return <hr />;
    case "quote":
      return (
        <blockquote>
          <Markdown text={quoteOf(block)} pictureText={pictureText} />
        </blockquote>
      );
    case "list":
      return (
        <ul>
          {itemsOf(block).map(({ depth, number, text }, index) => (
            // oxlint-disable-next-line react/no-array-index-key
            <li key={index} className={styles[`in${depth}`]}>
              <span aria-hidden>{number === null ? "\u2022" : `${number}.`}</span>
              <span>{say(text)}</span>
            </li>
          ))}
        </ul>
      );
    case "table":
      return <Table block={block} say={say} />;
    case "text":
      return <p>{say(source)}</p>;
    default:
      return kind satisfies never;
  }
});

function Table({ block, say }: { readonly block: RawBlock; readonly say: (text: string) => ReactNode }) {
  const { hasHead, rows } = tableOf(block);
  return (
    <div className={styles["scroll"]} tabIndex={0}>
      <table>
        <tbody>
          {rows.map((row, line) => (
            // oxlint-disable-next-line react/no-array-index-key
            <tr key={line}>
              {row.map((cell, column) =>
                hasHead && line === 0 ? (
                  // oxlint-disable-next-line react/no-array-index-key
                  <th key={column}>{say(cell)}</th>
                ) : (
                  // oxlint-disable-next-line react/no-array-index-key
                  <td key={column}>{say(cell)}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface WordsProps extends Pick<MarkdownProps, "pictureText"> {
  readonly parts: readonly Inline[];
}

const Words = ({ parts, pictureText }: WordsProps): ReactNode =>
  // oxlint-disable-next-line react/no-array-index-key
  parts.map((part, index) => <Word key={index} part={part} pictureText={pictureText} />);

function Word({ part, pictureText }: Pick<MarkdownProps, "pictureText"> & { readonly part: Inline }): ReactNode {
  switch (part.kind) {
    case "text":
      return plain(part.text);
    case "code":
      return <code>{plain(part.text)}</code>;
    case "strong":
      return (
        <strong>
          <Words parts={part.parts} pictureText={pictureText} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <Words parts={part.parts} pictureText={pictureText} />
        </em>
      );
    case "picture":
      return (
        <span className={styles["picture"]}>
          <ImageOffIcon size={14} aria-hidden />
          {plain(part.text)} {pictureText(plain(part.host))}
        </span>
      );
    case "link":
      return (
        <a href={part.url} target="_blank" rel="noreferrer noopener">
          {plain(part.text)}
          {part.text === part.url ? null : <span className={styles["host"]}> ({plain(part.host)})</span>}
        </a>
      );
    default:
      return part satisfies never;
  }
}
