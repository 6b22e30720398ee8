// An amount as a form: an argument, a sum, a count, a product, a size, or one of them by case.
import { useRef } from "preact/hooks";
import { ConditionList } from "./Conditions";
import { PathPick, Pick, type Sheet } from "./controls";
import { elementsOf, findNode, memberOf, membersOf, stringOf, textOf } from "./document";
import { pathsIn } from "./forms";
import { hasWildcard, type Place } from "./places";
import { changeAt, changeItems, changeKeys } from "./strokes";

const FORMS = [
  ["path", "the argument"], ["sum", "the sum of"], ["count", "the number of"], ["min", "the least of"], ["max", "the greatest of"],
  ["product", "the product of"], ["abs", "the size, without its sign, of"], ["cases", "by case:"],
] as const;
type Form = (typeof FORMS)[number][0];
const isNumeric = ({ type }: Place): boolean => type === "number" || type === "text" || type === "any";

export const BLANK_AMOUNT = '""';

// The amount in another form, over the paths that it named before.
function rewrite(form: Form, text: string, paths: readonly string[]): string {
  const first = paths[0] ?? BLANK_AMOUNT;
  if (form === "path") return first;
  if (form === "abs") return `{"abs": ${text.startsWith("[") ? first : text}}`;
  if (form === "cases") return `[{"when": [], "amount": ${text.startsWith("[") ? first : text}}]`;
  return form === "product" ? `{"product": [${first}, ${paths[1] ?? BLANK_AMOUNT}]}` : `{"${form}": ${first}}`;
}

export function AmountForm({ sheet, pointer }: { sheet: Sheet; pointer: string }) {
  const node = findNode(sheet.document, pointer);
  if (!node) return null;
  const [member] = membersOf(node);
  const form = node.type === "string" ? "path" : node.type === "array" ? "cases" : ((member?.key ?? "path") as Form);
  const put = (at: string, path: string): void => sheet.onEdit(changeAt(sheet.document, at, JSON.stringify(path)));
  const numbers = sheet.places.filter(isNumeric);
  const lists = sheet.places.flatMap((place) => (place.type === "list" ? [{ ...place, path: `${place.path}[*]` }] : []));
  const places = form === "count" ? lists : form === "path" ? numbers.filter(({ path }) => !hasWildcard(path)) : numbers;
  const pick = (at: string, label: string) => (
    <PathPick sheet={sheet} extent="" label={label} value={stringOf(findNode(sheet.document, at)) ?? ""} places={places} onPick={(path) => put(at, path)} />
  );
  const change = (next: string): void => {
    const paths = (node.type === "string" ? [node] : pathsIn(node)).map((path) => textOf(sheet.document, path));
    sheet.onEdit(changeAt(sheet.document, pointer, rewrite(next as Form, textOf(sheet.document, node), paths)));
  };
  return (
    <>
      <Pick label="Amount" value={form} isLocked={sheet.isLocked} options={FORMS} onPick={change} />
      {form === "path" && pick(pointer, "Argument of the amount")}
      {form === "product" && <>{pick(`${pointer}/product/0`, "First factor")} <span>times</span> {pick(`${pointer}/product/1`, "Second factor")}</>}
      {form === "abs" && <AmountForm sheet={sheet} pointer={`${pointer}/abs`} />}
      {form === "cases" && <Cases sheet={sheet} pointer={pointer} />}
      {["sum", "count", "min", "max"].includes(form) && pick(`${pointer}/${form}`, "Argument of the amount")}
    </>
  );
}

function Cases({ sheet, pointer }: { sheet: Sheet; pointer: string }) {
  const { document, isLocked, onEdit } = sheet;
  const box = useRef<HTMLDivElement>(null);
  const cases = elementsOf(findNode(document, pointer));
  const add = (text: string): void => onEdit(changeItems(document, pointer, [], [text]));
  // Cases are chosen by what is there, as in deny_if: one element of a list is enough.
  const inner: Sheet = { ...sheet, part: "deny_if" };
  return (
    <div class="rule-cases" role="group" aria-label="Cases" tabIndex={-1} ref={box}>
      {cases.map((node, index) => {
        const at = `${pointer}/${index}`;
        const isElse = !elementsOf(memberOf(node, "when")).length;
        return (
          <div key={at} class="rule-case" role="group" aria-label={`Case ${index + 1}`}>
            <div class="row"><span>{isElse ? (index ? "Else" : "Always") : "When the conditions below hold,"} count</span> <AmountForm sheet={sheet} pointer={`${at}/amount`} />
              {!isLocked && cases.length > 1 && <button type="button" class="button button-quiet button-small" aria-label={`Remove case ${index + 1}`} onClick={() => { box.current?.focus(); onEdit(changeItems(document, pointer, [index])); }}>Remove</button>}
            </div>
            {memberOf(node, "when")
              ? <ConditionList sheet={inner} pointer={`${at}/when`} canBeEmpty />
              : !isLocked && index < cases.length - 1 && <p><button type="button" class="button button-quiet button-small" onClick={() => onEdit(changeKeys(document, at, { when: "[]" }))}>Add conditions to this case</button></p>}
          </div>
        );
      })}
      {!isLocked && <p><button type="button" class="button button-quiet button-small" onClick={() => add(`{"amount": ${BLANK_AMOUNT}}`)}>Add a case for everything else</button></p>}
    </div>
  );
}
