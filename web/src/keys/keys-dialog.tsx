import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { KeyHint } from "../parts/key-hint.tsx";
import { useView } from "../shell/view-state.ts";
import { type MessageKey, t } from "../text/messages.ts";
import styles from "./keys-dialog.module.css";

const groups: readonly { readonly name: MessageKey; readonly keys: readonly (readonly [string, MessageKey])[] }[] = [
  {
    name: "keys.group.everywhere",
    keys: [
      ["Ctrl K", "keys.do.palette"],
      ["?", "keys.do.help"],
      ["g h", "keys.do.home"],
      ["g c", "keys.do.chat"],
      ["g e", "keys.do.episodes"],
      ["g v", "keys.do.events"],
      ["g k", "keys.do.capsules"],
      ["g y", "keys.do.policy"],
      ["g n", "keys.do.connections"],
      ["/", "keys.do.filter"],
      ["F6", "keys.do.region"],
      ["[", "keys.do.rail"],
      ["]", "keys.do.sidecar"],
      ["Esc", "keys.do.back"],
    ],
  },
  {
    name: "keys.group.lists",
    keys: [
      ["j", "keys.do.next"],
      ["k", "keys.do.previous"],
      ["Enter", "keys.do.open"],
      ["a", "keys.do.allow"],
      ["d", "keys.do.deny"],
      [".", "keys.do.more"],
      ["w", "keys.do.why"],
      ["e", "keys.do.expand"],
      ["c", "keys.do.copy"],
    ],
  },
  {
    name: "keys.group.stream",
    keys: [
      ["p", "keys.do.pause"],
      ["l", "keys.do.follow"],
    ],
  },
  {
    name: "keys.group.replay",
    keys: [
      ["←", "keys.do.earlier"],
      ["→", "keys.do.later"],
    ],
  },
];

export function KeysDialog() {
  const set = useView((view) => view.set);
  const close = (): void => set({ isHelpOpen: false });
  return (
    <Dialog label={t("keys.dialog.title")} onClose={close}>
      <div className={styles["keys"]}>
        <h2>{t("keys.dialog.title")}</h2>
        {groups.map((group) => (
          <section key={group.name}>
            <h3>{t(group.name)}</h3>
            <dl>
              {group.keys.map(([key, does]) => (
                <div key={key} className={styles["row"]}>
                  <dt>
                    <KeyHint keys={key} />
                  </dt>
                  <dd>{t(does)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <div className={styles["actions"]}>
          <Button onClick={() => (close(), set({ isGuideShown: true }))}>{t("home.guide.again")}</Button>
          <Button look="primary" data-first onClick={close}>
            {t("keys.dialog.close")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
