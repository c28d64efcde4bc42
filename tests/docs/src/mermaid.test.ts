import { describe, expect, it } from 'vitest';
import { proveDiagram } from './mermaid.js';

describe('proveDiagram', () => {
  it.each([
    ['pie\n "a": 1', 'is none of'],
    ['flowchart TD\n a --> b -> c', 'not understood: a --> b -> c'],
    ['flowchart TD\n subgraph x [X]\n a --> b', 'not closed'],
    ['flowchart TD\n a --> b\n end', 'closes what is not open'],
    ['sequenceDiagram\n participant A\n A->>B: hi', 'B is not introduced'],
    ['sequenceDiagram\n participant A\n A->>A: hi; there', 'not understood'],
    ['stateDiagram-v2\n [*] -> A', 'not understood'],
  ])('refuses %j', (text, mistake) => {
    expect(() => proveDiagram(text)).toThrow(mistake);
  });

  it.each([
    'flowchart TD\n %% a comment\n subgraph x [X]\n a & b --> c & d\n end\n e[E] -->|why| f',
    'sequenceDiagram\n participant A as Ann\n participant B\n A-->>B: hi\n note over A,B: now\n loop always\n B->>A: ho\n end',
    'stateDiagram-v2\n [*] --> A: begin\n note right of A: here',
  ])('takes %j', (text) => {
    expect(() => proveDiagram(text)).not.toThrow();
  });
});
