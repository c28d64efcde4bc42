/** The first screen: a name, and in. */
import { element } from './dom.js';

/** Shows the form until `enter` has succeeded; what it throws is shown beside the field. */
export function signInView(lastName: string, enter: (name: string) => Promise<void>): HTMLElement {
  const name = element('input.field', {
    name: 'name',
    value: lastName,
    maxlength: 24,
    required: true,
    autocomplete: 'nickname',
    placeholder: 'Your name',
    'aria-label': 'Your name',
  });
  const problem = element('p.problem', { role: 'alert' });
  const button = element('button.primary', { type: 'submit' }, 'Enter the room');
  const form = element(
    'form',
    {},
    element('h1', {}, 'Live room'),
    element('p', {}, 'Chat, send gifts, write privately. Open it twice to meet yourself.'),
    name,
    button,
    problem,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = name.value.trim();
    if (!chosen) return;
    button.disabled = true;
    problem.textContent = '';
    enter(chosen)
      .catch((error: unknown) => {
        problem.textContent = error instanceof Error ? error.message : 'Could not sign in.';
      })
      .finally(() => {
        button.disabled = false;
      });
  });
  return element('main.sign-in', {}, form);
}
