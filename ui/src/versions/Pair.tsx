// Two drawings beside each other that move together, with what differs painted on them.
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/diagram-js.css';
import '../editor/editor.css';
import './versions.css';

import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { useEffect, useRef, useState } from 'react';

import { refitting } from '../diagram/refit';
import type { Canvas, EventBus, Registry } from '../editor/bpmn';
import { t } from '../texts';
import { Failure } from '../ui/parts';
import type { Kind } from './diff';

export interface Side {
  xml: string;
  label: string;
  paint: Record<Kind, string[]>;
}

export default function Pair({ before, after, chosen, choose }: { before: Side; after: Side; chosen: string; choose: (id: string) => void }) {
  const [viewers, setViewers] = useState<[NavigatedViewer, NavigatedViewer] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const left = useRef<HTMLDivElement>(null);
  const right = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const make = (container: HTMLElement) =>
      new NavigatedViewer({
        container,
        bpmnRenderer: { defaultFillColor: 'var(--drawing-fill)', defaultStrokeColor: 'var(--drawing-stroke)', defaultLabelColor: 'var(--drawing-label)' },
      } as ConstructorParameters<typeof NavigatedViewer>[0]);
    const made: [NavigatedViewer, NavigatedViewer] = [make(left.current!), make(right.current!)];
    let gone = false;
    Promise.all([made[0].importXML(before.xml), made[1].importXML(after.xml)]).then(
      () => {
        if (gone) return;
        fitBoth(made);
        follow(made[0], made[1]);
        follow(made[1], made[0]);
        setError(null);
        setViewers(made);
      },
      (caught: Error) => !gone && setError(new Error(`${t.process.noDrawing}: ${caught.message}`)),
    );
    return () => {
      gone = true;
      setViewers(null);
      for (const each of made) each.destroy();
    };
  }, [before.xml, after.xml]);

  useEffect(() => {
    if (!viewers || !left.current) return undefined;
    return refitting(left.current, () => {
      for (const each of viewers) each.get<Canvas>('canvas').resized();
      fitBoth(viewers);
    });
  }, [viewers]);

  const paint = JSON.stringify([before.paint, after.paint, chosen]);
  useEffect(() => {
    if (!viewers) return undefined;
    const [old, now, one] = JSON.parse(paint) as [Side['paint'], Side['paint'], string];
    const undo = [markAll(viewers[0], old, one), markAll(viewers[1], now, one)];
    return () => undo.forEach((each) => each());
  }, [viewers, paint]);
  useEffect(() => {
    if (!viewers || !chosen) return;
    const side = viewers[1].get<Registry>('elementRegistry').get(chosen) ? viewers[1] : viewers[0];
    if (side.get<Registry>('elementRegistry').get(chosen)) side.get<Canvas>('canvas').scrollToElement(chosen, 60);
  }, [viewers, chosen]);
  const chooser = useRef(choose);
  chooser.current = choose;
  useEffect(() => {
    for (const each of viewers ?? []) {
      each.get<EventBus>('eventBus').on('element.click', ({ element }: { element: { id: string } }) => chooser.current(element.id.replace(/_label$/, '')));
    }
  }, [viewers]);

  if (error) return <Failure error={error} />;
  return (
    <div className="segue-pair" data-ready={viewers !== null}>
      {[
        { side: before, holder: left },
        { side: after, holder: right },
      ].map(({ side, holder }) => (
        <figure key={side.label} aria-label={side.label}>
          <figcaption>{side.label}</figcaption>
          <div className="segue-frame">
            <div className="segue-drawing" ref={holder} />
          </div>
        </figure>
      ))}
    </div>
  );
}

function markAll(viewer: NavigatedViewer, paint: Record<Kind, string[]>, chosen: string): () => void {
  const canvas = viewer.get<Canvas>('canvas');
  const registry = viewer.get<Registry>('elementRegistry');
  const put = (Object.entries(paint) as [string, string[]][])
    .flatMap(([kind, ids]) => ids.map((id): [string, string] => [id, `segue-${kind}`]))
    .concat(chosen ? [[chosen, 'segue-chosen']] : [])
    .filter(([id]) => registry.get(id));
  for (const [id, name] of put) canvas.addMarker(id, name);
  return () => {
    for (const [id, name] of put) if (registry.get(id)) canvas.removeMarker(id, name);
  };
}

type Box = { x: number; y: number; width: number; height: number };

/** Both show the same part of the paper, as much as the larger of them needs. */
function fitBoth(viewers: [NavigatedViewer, NavigatedViewer]): void {
  const canvases = viewers.map((each) => each.get<Canvas>('canvas'));
  const inner = canvases.map((each) => each.viewbox().inner);
  const x = Math.min(...inner.map((each) => each.x)) - 30;
  const y = Math.min(...inner.map((each) => each.y)) - 30;
  const width = Math.max(...inner.map((each) => each.x + each.width)) + 30 - x;
  const height = Math.max(...inner.map((each) => each.y + each.height)) + 30 - y;
  const { outer } = canvases[0]!.viewbox();
  const scale = Math.min(1.1, outer.width / width, outer.height / height);
  const box = { x: x - (outer.width / scale - width) / 2, y: y - (outer.height / scale - height) / 2, width: outer.width / scale, height: outer.height / scale };
  for (const each of canvases) each.viewbox(box);
}

/** Moving or zooming one moves the other. */
function follow(leader: NavigatedViewer, other: NavigatedViewer): void {
  leader.get<EventBus>('eventBus').on('canvas.viewbox.changed', ({ viewbox }: { viewbox: Box }) => {
    const canvas = other.get<Canvas>('canvas');
    const now = canvas.viewbox();
    const near = (a: number, b: number) => Math.abs(a - b) < 0.5;
    if (near(now.x, viewbox.x) && near(now.y, viewbox.y) && near(now.width, viewbox.width)) return;
    canvas.viewbox({ x: viewbox.x, y: viewbox.y, width: viewbox.width, height: viewbox.height });
  });
}
