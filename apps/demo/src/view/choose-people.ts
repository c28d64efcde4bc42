/** Choosing people: for a new group, which gets a name, or for one that is there. */
import { avatar, element } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';

export interface Candidate {
  readonly user: string;
  readonly name: string;
}

export interface ChoosePeople {
  readonly title: string;
  /** What choosing is confirmed with. */
  readonly done: string;
  /** A name is asked for. */
  readonly named: boolean;
  candidates(): Promise<readonly Candidate[]>;
  /** @throws Error with a line for people */
  choose(users: readonly string[], name: string): Promise<void>;
  back(): void;
}

export function choosePeopleSheet({ title, done, named, candidates, choose, back }: ChoosePeople): SheetContent {
  const name = element('input.field', {
    maxlength: 64,
    placeholder: 'Name of the group',
    'aria-label': 'Name of the group',
    autocomplete: 'off',
  });
  const list = element('div.choices', {}, element('p.empty', {}, 'Loading …'));
  const problem = element('p.problem', { role: 'alert' });
  const confirm = element('button.primary', { type: 'submit' }, done);
  const chosen = new Set<string>();

  const check = (): void => {
    confirm.disabled = named ? name.value.trim() === '' : chosen.size === 0;
  };
  const choice = ({ user, name: called }: Candidate): HTMLElement => {
    const box = element('input', { type: 'checkbox' });
    box.addEventListener('change', () => {
      if (box.checked) chosen.add(user);
      else chosen.delete(user);
      check();
    });
    return element('label.person', {}, avatar(called), element('span.text', {}, element('b', {}, called)), box);
  };
  candidates().then(
    (people) =>
      list.replaceChildren(
        ...(people.length > 0
          ? people.map(choice)
          : [element('p.empty', {}, 'Nobody else is here now. People can be invited later.')]),
      ),
    () => list.replaceChildren(element('p.empty', {}, 'Could not be loaded.')),
  );

  const form = element('form.choose', {}, problem, confirm);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    confirm.disabled = true;
    choose([...chosen], name.value.trim()).catch((error: unknown) => {
      problem.textContent = error instanceof Error ? error.message : 'That did not work.';
      check();
    });
  });
  name.addEventListener('input', check);
  check();
  return {
    title,
    body: sheetBody(...(named ? [name] : []), list),
    footer: form,
    tall: true,
    back,
    onOpen: () => named && name.focus(),
  };
}
