// The drawing of a version with marks on its nodes. Loaded when it is needed: the viewer is larger than the rest.
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/diagram-js.css';

import { ActionIcon, Group } from '@mantine/core';
import { IconMaximize, IconMinus, IconPlus } from '@tabler/icons-react';
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { useEffect, useRef, useState } from 'react';

import { t } from '../texts';
import { Failure } from '../ui/parts';
import type { Mark } from './marks';
import { refitting } from './refit';

interface Canvas {
  zoom(level: number | 'fit-viewport', center?: unknown): number;
  addMarker(id: string, marker: string): void;
  removeMarker(id: string, marker: string): void;
  resized(): void;
}
interface Overlays {
  add(id: string, type: string, overlay: { position: object; html: HTMLElement }): string;
  remove(filter: { type: string }): void;
}
interface Registry {
  get(id: string): unknown;
}
interface EventBus {
  on(event: string, listener: (event: { element: { id: string; type: string } }) => void): void;
}

const LARGEST = 1.2;

export interface Painted {
  chosen?: string;
  passed?: string[];
  stuck?: string[];
  heat?: [string, number][];
  broken?: string[];
  fine?: string[];
}

export default function Diagram({
  xml,
  label,
  marks = [],
  painted = {},
  choose,
}: {
  xml: string;
  label: string;
  marks?: Mark[];
  painted?: Painted;
  choose?: (node: string) => void;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const viewer = useRef<NavigatedViewer | null>(null);
  const chooser = useRef(choose);
  const [ready, setReady] = useState(0);
  const [error, setError] = useState<Error | null>(null);
  chooser.current = choose;

  useEffect(() => {
    const made = new NavigatedViewer({
      container: holder.current!,
      bpmnRenderer: { defaultFillColor: 'var(--drawing-fill)', defaultStrokeColor: 'var(--drawing-stroke)', defaultLabelColor: 'var(--drawing-label)' },
    } as ConstructorParameters<typeof NavigatedViewer>[0]);
    viewer.current = made;
    let gone = false;
    made.importXML(xml).then(
      () => {
        if (gone) return;
        fit(made);
        made.get<EventBus>('eventBus').on('element.click', ({ element }) => {
          if (element.type !== 'bpmn:SequenceFlow') chooser.current?.(element.id.replace(/_label$/, ''));
        });
        setError(null);
        setReady((count) => count + 1);
      },
      (caught: unknown) => !gone && setError(new Error(`${t.process.noDrawing}: ${String((caught as Error).message)}`)),
    );
    return () => {
      gone = true;
      made.destroy();
    };
  }, [xml]);

  useEffect(() => {
    const made = viewer.current;
    if (!ready || !made || !holder.current) return undefined;
    return refitting(holder.current, () => {
      made.get<Canvas>('canvas').resized();
      fit(made);
    });
  }, [ready]);

  const marked = JSON.stringify(marks);
  useEffect(() => {
    if (ready && viewer.current) putMarks(viewer.current, JSON.parse(marked) as Mark[], (id) => chooser.current?.(id));
  }, [ready, marked]);

  const paint = JSON.stringify([painted.chosen ?? '', painted.passed ?? [], painted.stuck ?? [], painted.heat ?? [], painted.broken ?? [], painted.fine ?? []]);
  useEffect(() => {
    if (!ready || !viewer.current) return undefined;
    const [chosen, passed, stuck, heat, broken, fine] = JSON.parse(paint) as [string, string[], string[], [string, number][], string[], string[]];
    const canvas = viewer.current.get<Canvas>('canvas');
    const registry = viewer.current.get<Registry>('elementRegistry');
    const put: [string, string][] = [
      ...passed.map((id): [string, string] => [id, 'passed']),
      ...stuck.map((id): [string, string] => [id, 'stuck']),
      ...heat.map(([id, level]): [string, string] => [id, `heat-${level}`]),
      ...broken.map((id): [string, string] => [id, 'broken']),
      ...fine.map((id): [string, string] => [id, 'fine']),
      ...(chosen ? [[chosen, 'chosen'] as [string, string]] : []),
    ].filter(([id]) => registry.get(id) !== undefined) as [string, string][];
    for (const [id, name] of put) canvas.addMarker(id, name);
    const made = viewer.current;
    return () => {
      if (viewer.current === made) for (const [id, name] of put) if (registry.get(id)) canvas.removeMarker(id, name);
    };
  }, [ready, paint]);

  const zoom = (factor: number) => {
    const canvas = viewer.current?.get<Canvas & { zoom(): number }>('canvas');
    if (canvas) canvas.zoom(Math.min(4, Math.max(0.2, canvas.zoom() * factor)));
  };
  if (error) return <Failure error={error} />;
  return (
    <div className="diagram" role="group" aria-label={label} data-ready={ready > 0}>
      <div className="canvas" ref={holder} />
      <Group className="tools" gap={4}>
        <ActionIcon variant="default" aria-label={t.process.zoomIn} onClick={() => zoom(1.25)}>
          <IconPlus size={16} />
        </ActionIcon>
        <ActionIcon variant="default" aria-label={t.process.zoomOut} onClick={() => zoom(0.8)}>
          <IconMinus size={16} />
        </ActionIcon>
        <ActionIcon variant="default" aria-label={t.process.fit} onClick={() => viewer.current && fit(viewer.current)}>
          <IconMaximize size={16} />
        </ActionIcon>
      </Group>
    </div>
  );
}

function fit(viewer: NavigatedViewer): void {
  const canvas = viewer.get<Canvas>('canvas');
  // A small process is not blown up to the whole width.
  if (canvas.zoom('fit-viewport', 'auto') > LARGEST) canvas.zoom(LARGEST, 'auto');
}

function putMarks(viewer: NavigatedViewer, marks: Mark[], choose: (node: string) => void): void {
  const overlays = viewer.get<Overlays>('overlays');
  const registry = viewer.get<Registry>('elementRegistry');
  overlays.remove({ type: 'counts' });
  const rows = new Map<string, HTMLElement>();
  for (const mark of marks) {
    const shape = registry.get(mark.node) as { width?: number } | undefined;
    if (shape?.width === undefined) continue;
    let row = rows.get(mark.node);
    if (row === undefined) {
      row = document.createElement('div');
      row.className = 'counts';
      // A number is a part of its node: pressed, it chooses it. The list of nodes is the way for the keyboard.
      row.addEventListener('click', () => choose(mark.node));
      rows.set(mark.node, row);
      overlays.add(mark.node, 'counts', { position: { top: -14, left: shape.width / 2 }, html: row });
    }
    const count = document.createElement('span');
    count.className = `count ${mark.kind}`;
    // As text, never as markup: names and reasons come from others.
    count.textContent = mark.text;
    count.title = mark.about;
    row.append(count);
  }
}
