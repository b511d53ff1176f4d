// Copy here, paste in another process, also in another tab: what is copied is kept in this browser as text. Extension
// elements of other tools travel along.
import type { Canvas, EventBus, ModdleModel, Moddle, Registry, Selection, Shape } from './bpmn';

const KEY = 'segue.clipboard';
type Services = { get<T>(name: string): T };
type Plain = Record<string, unknown>;

const isGeneric = (value: unknown): value is Moddle =>
  typeof value === 'object' && value !== null && (value as Moddle).$descriptor?.isGeneric === true;

/** A copy of an element that moddle has no description of. */
export function cloneGeneric(moddle: ModdleModel, element: Moddle): Moddle {
  const { $type, $children, ...rest } = element as Moddle & { $children?: Moddle[] };
  const children = ($children ?? []).map((each) => cloneGeneric(moddle, each));
  const uri = element.$descriptor?.ns?.uri ?? '';
  const made = moddle.createAny($type, uri, { ...plain(rest), ...(children.length > 0 ? { $children: children } : {}) });
  for (const each of children) each.$parent = made;
  return made;
}

const plain = (rest: Plain): Plain => Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value === 'string'));

/** A tree of copied elements as text, and back again for another model. */
export function written(tree: unknown): string {
  return JSON.stringify(tree, (_, value: unknown) => {
    if (!isGeneric(value)) return value;
    return { ...(value as Plain), $uri: value.$descriptor?.ns?.uri };
  });
}

export function read(moddle: ModdleModel, text: string): unknown {
  const known = new Map<string, Moddle>();
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || typeof (value as Plain).$type !== 'string') return value;
    const { $type, $uri, ...rest } = value as Plain & { $type: string; $uri?: string };
    const id = typeof rest.id === 'string' ? rest.id : undefined;
    if (id !== undefined && known.has(id)) return known.get(id);
    const made = $uri === undefined ? moddle.create($type, rest) : moddle.createAny($type, $uri, rest);
    if (id !== undefined) known.set(id, made);
    return made;
  });
}

class SharedClipboard {
  static $inject = ['injector', 'eventBus', 'clipboard', 'moddle', 'keyboard'];
  private mine = '';

  constructor(
    private readonly injector: Services,
    eventBus: EventBus,
    private readonly clipboard: { set(tree: unknown): void; get(): unknown },
    private readonly moddle: ModdleModel,
    keyboard: { addListener(priority: number, listener: (context: { keyEvent: KeyboardEvent }) => unknown): void },
  ) {
    eventBus.on('copyPaste.elementsCopied', ({ tree, hints }: { tree: unknown; hints?: { clip?: boolean } }) => {
      if (hints?.clip === false) return;
      this.mine = written(tree);
      try {
        localStorage.setItem(KEY, this.mine);
      } catch {
        // Then it stays within this editor.
      }
    });
    // moddle's copy leaves out what it does not know; it belongs to the node all the same.
    eventBus.on('moddleCopy.canCopyProperty', ({ property }: { property: unknown }) =>
      isGeneric(property) ? cloneGeneric(this.moddle, property) : undefined,
    );
    keyboard.addListener(2000, ({ keyEvent }) => {
      if (!(keyEvent.ctrlKey || keyEvent.metaKey) || keyEvent.key.toLowerCase() !== 'v' || keyEvent.altKey) return undefined;
      this.paste();
      return true;
    });
  }

  /** Whether there is something to paste. */
  get filled(): boolean {
    return this.clipboard.get() !== undefined || (localStorage.getItem(KEY) ?? '') !== '';
  }

  /** Put what was copied where one looks, and choose it. */
  paste(): Shape[] {
    const kept = localStorage.getItem(KEY) ?? '';
    if (kept && kept !== this.mine) {
      try {
        this.clipboard.set(read(this.moddle, kept));
        this.mine = kept;
      } catch {
        return [];
      }
    }
    if (this.clipboard.get() === undefined) return [];
    const canvas = this.injector.get<Canvas>('canvas');
    const box = canvas.viewbox();
    const selected = this.injector.get<Selection>('selection').get();
    const beside = selected.length > 0 ? canvas.getAbsoluteBBox(selected[0]!) : null;
    const point = beside
      ? { x: box.x + beside.x / box.scale + 60, y: box.y + (beside.y + beside.height) / box.scale + 100 }
      : { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const others = this.injector.get<Registry>('elementRegistry').filter((each) => !each.waypoints && !each.labelTarget && each.parent === canvas.getRootElement());
    while (others.some((each) => Math.abs(each.x + each.width / 2 - point.x) < (each.width + 120) / 2 && Math.abs(each.y + each.height / 2 - point.y) < (each.height + 100) / 2)) point.y += 20;
    const pasted = this.injector.get<{ paste(context: object): Shape[] }>('copyPaste').paste({ element: canvas.getRootElement(), point }) ?? [];
    this.injector.get<Selection>('selection').select(pasted.filter((each) => !each.labelTarget && !each.waypoints));
    return pasted;
  }
}

export type Clipboard = SharedClipboard;
export const clipboardModule = { __init__: ['segueClipboard'], segueClipboard: ['type', SharedClipboard] };
