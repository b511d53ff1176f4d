// The palette, the pad beside a node and the menus to search in, for the kinds of node that Segue runs. The actions that
// workers offer now stand in the menus too: one step appends a node that calls one.
import ContextPadProvider from 'bpmn-js/lib/features/context-pad/ContextPadProvider';

import { t } from '../texts';
import { is, type Canvas, type ElementFactory, type Modeling, type PopupMenu, type Registry, type Selection, type Shape } from './bpmn';
import { DRAWN, KINDS, nameOfAction, type Kind, type Offer } from './kinds';
import { append, place, shapeOf } from './make';

type Services = { get<T>(name: string): T };
type Entry = Record<string, unknown>;
type Entries = Record<string, Entry>;
interface Create {
  start(event: unknown, shape: Shape | Shape[], context?: object): void;
}

export interface Offers {
  list: Offer[];
}

const WIDTH = 340;

// -- the menus -----------------------------------------------------------------------------------------------------

function kindEntry(kind: Kind, take: (event: Event, make: () => Shape, dragged: boolean) => void, services: Services): Entry {
  const make = () => shapeOf(services, kind, '');
  return {
    label: t.editor.kinds[kind.id],
    description: t.editor.kindsAbout[kind.id],
    className: kind.icon,
    search: kind.search,
    group: { id: 'kinds', name: t.editor.menus.kinds },
    action: { click: (event: Event) => take(event, make, false), dragstart: (event: Event) => take(event, make, true) },
  };
}

function offerEntry(offer: Offer, take: (event: Event, make: () => Shape, dragged: boolean) => void, services: Services): Entry {
  const kind = KINDS.find((each) => each.id === 'action')!;
  const make = () => shapeOf(services, kind, '', offer);
  return {
    label: nameOfAction(offer.name),
    description: t.editor.menus.offer(offer.name, offer.worker, offer.application),
    className: kind.icon,
    search: [offer.name, offer.worker, offer.application ?? '', offer.kind].join(' '),
    group: { id: 'actions', name: t.editor.menus.actions },
    action: { click: (event: Event) => take(event, make, false), dragstart: (event: Event) => take(event, make, true) },
  };
}

class AppendMenu {
  constructor(private readonly services: Services, private readonly offers: Offers) {}

  getPopupMenuEntries(target: Shape): Entries {
    const take = (event: Event, make: () => Shape, dragged: boolean) => {
      if (dragged) this.services.get<Create>('create').start(event, make(), { source: target });
      else append(this.services, target, make());
    };
    return entriesOf(this.services, this.offers, KINDS.filter((each) => !each.first), take);
  }
}

class CreateMenu {
  constructor(private readonly services: Services, private readonly offers: Offers) {}

  getPopupMenuEntries(): Entries {
    const take = (event: Event, make: () => Shape, dragged: boolean) => {
      if (dragged) this.services.get<Create>('create').start(event, make());
      else place(this.services, make());
    };
    const found = entriesOf(this.services, this.offers, KINDS, take);
    for (const each of DRAWN) {
      const make = () => {
        const factory = this.services.get<ElementFactory & { createParticipantShape(): Shape }>('elementFactory');
        return each.id === 'pool' ? factory.createParticipantShape() : factory.createShape({ type: each.type });
      };
      const start = (event: Event) => this.services.get<Create>('create').start(event, make());
      found[`drawn-${each.id}`] = {
        label: t.editor.drawn[each.id],
        description: t.editor.drawnAbout,
        className: each.icon,
        group: { id: 'drawn', name: t.editor.menus.drawn },
        action: { click: start, dragstart: start },
      };
    }
    return found;
  }
}

function entriesOf(services: Services, offers: Offers, kinds: Kind[], take: (event: Event, make: () => Shape, dragged: boolean) => void): Entries {
  const found: Entries = {};
  for (const kind of kinds) found[`kind-${kind.id}`] = kindEntry(kind, take, services);
  for (const offer of offers.list) found[`offer-${offer.worker}-${offer.kind}-${offer.name}`] = offerEntry(offer, take, services);
  return found;
}

class ConnectMenu {
  constructor(private readonly services: Services) {}

  getPopupMenuEntries(source: Shape): Entries {
    const rules = this.services.get<{ allowed(action: string, context: object): unknown }>('rules');
    const found: Entries = {};
    const nodes = this.services.get<Registry>('elementRegistry').filter((each) => is(each, 'bpmn:FlowNode') && !each.labelTarget && each !== source);
    for (const target of nodes) {
      if (!rules.allowed('connection.create', { source, target })) continue;
      found[target.id] = {
        label: labelOf(target),
        description: target.id,
        className: 'bpmn-icon-connection-multi',
        action: () => {
          const made = this.services.get<Modeling>('modeling').connect(source, target);
          this.services.get<Selection>('selection').select(made);
        },
      };
    }
    return found;
  }
}

export const labelOf = (element: Shape): string => String(element.businessObject.get('name') || '').replace(/\s+/g, ' ').trim() || element.id;

// -- where they are opened from -------------------------------------------------------------------------------------

export type MenuName = 'append' | 'create' | 'connect' | 'replace';

/** Opens a menu beside an element, or in the middle of the canvas. */
export function openMenu(services: Services, menu: MenuName, target?: Shape): void {
  const canvas = services.get<Canvas>('canvas');
  const element = target ?? canvas.getRootElement();
  const box = canvas.getContainer().getBoundingClientRect();
  let position = { x: box.left + box.width / 2 - WIDTH / 2, y: box.top + 60 };
  if (target && target.type !== 'bpmn:Process') {
    const around = canvas.getAbsoluteBBox(target);
    position = { x: box.left + around.x + around.width + 10, y: box.top + around.y };
    // What is scrolled away still has its menu in sight.
    position.x = Math.min(Math.max(position.x, box.left + 10), box.right - 60);
    position.y = Math.min(Math.max(position.y, box.top + 10), box.bottom - 60);
  }
  services.get<PopupMenu>('popupMenu').open(element, menu === 'replace' ? 'bpmn-replace' : `segue-${menu}`, position, {
    title: t.editor.menus.titles[menu],
    width: WIDTH,
    search: true,
  });
}

class Menus {
  static $inject = ['injector', 'popupMenu', 'segueOffers', 'keyboard', 'selection', 'elementRegistry', 'canvas', 'eventBus', 'contextPad'];

  constructor(
    private readonly injector: Services,
    popupMenu: PopupMenu,
    offers: Offers,
    keyboard: { addListener(priority: number, listener: (context: { keyEvent: KeyboardEvent }) => unknown): void },
    private readonly selection: Selection,
    private readonly registry: Registry,
    private readonly canvas: Canvas,
    private readonly eventBus: { fire(event: string, data?: object): unknown },
  ) {
    popupMenu.registerProvider('segue-append', new AppendMenu(injector, offers));
    popupMenu.registerProvider('segue-create', new CreateMenu(injector, offers));
    popupMenu.registerProvider('segue-connect', new ConnectMenu(injector));
    keyboard.addListener(1500, ({ keyEvent }) => this.key(keyEvent));
  }

  private key(event: KeyboardEvent): true | undefined {
    if (event.ctrlKey || event.metaKey) return undefined;
    const selected = this.selection.get();
    const one = selected.length === 1 ? selected[0] : undefined;
    const node = one && is(one, 'bpmn:FlowNode') ? one : undefined;
    if (event.altKey) {
      if (!one || !['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].includes(event.key)) return undefined;
      this.follow(one, event.key);
      return done(event);
    }
    const key = event.key.toLowerCase();
    if (key === 'n') openMenu(this.injector, 'create');
    else if (key === 'a' && node) openMenu(this.injector, 'append', node);
    else if (key === 'c' && node) openMenu(this.injector, 'connect', node);
    else if (key === 'r' && one) openMenu(this.injector, 'replace', one);
    else if (key === '.' || key === ',') this.walk(one, key === '.' ? 1 : -1);
    else if (key === 'enter' && one) this.eventBus.fire('segue.panel');
    else return undefined;
    return done(event);
  }

  /** From node to node in the order of the drawing, from left to right. */
  private walk(from: Shape | undefined, by: 1 | -1): void {
    const nodes = inOrder(this.registry);
    if (nodes.length === 0) return;
    const at = from ? nodes.indexOf(from) : -1;
    this.choose(nodes[(at + by + nodes.length) % nodes.length]!);
  }

  /** Along the flows: right and left follow one, up and down change between those beside it. */
  private follow(from: Shape, key: string): void {
    const onward = key === 'ArrowRight';
    let next: Shape | undefined;
    if (key === 'ArrowUp' || key === 'ArrowDown') {
      const beside = from.source?.outgoing ?? from.incoming[0]?.source?.outgoing.map((each) => each.target!) ?? [];
      next = beside[(beside.indexOf(from) + (key === 'ArrowDown' ? 1 : -1) + beside.length) % beside.length];
    } else if (from.source) next = onward ? from.target : from.source;
    else next = (onward ? from.outgoing : from.incoming)[0];
    if (next) this.choose(next);
  }

  private choose(element: Shape): void {
    this.selection.select(element);
    this.canvas.scrollToElement(element);
  }
}

function done(event: KeyboardEvent): true {
  event.preventDefault();
  return true;
}

/** The nodes from left to right, and from top to bottom in a column. */
export function inOrder(registry: Registry): Shape[] {
  const nodes = registry.filter((each) => is(each, 'bpmn:FlowNode') && !each.labelTarget && !each.waypoints && !each.hidden);
  return nodes.sort((a, b) => Math.round(a.x / 40) - Math.round(b.x / 40) || a.y - b.y);
}

// -- palette and context pad ----------------------------------------------------------------------------------------

class Palette {
  static $inject = ['injector', 'palette', 'create', 'handTool', 'lassoTool', 'spaceTool', 'globalConnect'];

  constructor(
    private readonly injector: Services,
    palette: { registerProvider(provider: object): void },
    private readonly create: Create,
    private readonly hand: { activateHand(event: Event): void },
    private readonly lasso: { activateSelection(event: Event): void },
    private readonly space: { activateSelection(event: Event): void },
    private readonly connect: { start(event: Event): void },
  ) {
    palette.registerProvider(this);
  }

  getPaletteEntries(): Entries {
    const tool = (id: string, icon: string, start: (event: Event) => void): [string, Entry] => [
      `${id}-tool`,
      { group: 'tools', className: icon, title: t.editor.tools[id as keyof typeof t.editor.tools], action: { click: start } },
    ];
    const entries: Entries = Object.fromEntries([
      tool('hand', 'bpmn-icon-hand-tool', (event) => this.hand.activateHand(event)),
      tool('lasso', 'bpmn-icon-lasso-tool', (event) => this.lasso.activateSelection(event)),
      tool('space', 'bpmn-icon-space-tool', (event) => this.space.activateSelection(event)),
      tool('connect', 'bpmn-icon-connection-multi', (event) => this.connect.start(event)),
      ['tool-separator', { group: 'tools', separator: true }],
    ]);
    for (const kind of KINDS.filter((each) => !['terminate', 'pass', 'inclusive', 'webhook', 'call', 'sub', 'message', 'race'].includes(each.id))) {
      const start = (event: Event) => this.create.start(event, shapeOf(this.injector, kind, ''));
      entries[`create-${kind.id}`] = {
        group: kind.group,
        className: kind.icon,
        title: `${t.editor.kinds[kind.id]}: ${t.editor.kindsAbout[kind.id]}`,
        action: { dragstart: start, click: start },
      };
    }
    entries['create-more'] = {
      group: 'more',
      className: 'segue-more',
      title: t.editor.menus.more,
      action: { click: () => openMenu(this.injector, 'create') },
    };
    return entries;
  }
}

const BasePad = ContextPadProvider as unknown as {
  new (...services: unknown[]): { getContextPadEntries(element: Shape): Entries };
  $inject: string[];
};

class Pad extends BasePad {
  static override $inject = ['segueInjector', ...BasePad.$inject];
  private readonly services: Services;

  constructor(injector: Services, ...services: unknown[]) {
    super(...services);
    this.services = injector;
  }

  override getContextPadEntries(element: Shape): Entries {
    const entries = super.getContextPadEntries(element);
    if (!is(element, 'bpmn:FlowNode') || element.labelTarget) return entries;
    const onward = 'append.append-task' in entries;
    for (const name of ['append.end-event', 'append.gateway', 'append.append-task', 'append.intermediate-event']) delete entries[name];
    if (!onward) return entries;
    const quick = (id: string): [string, Entry] => {
      const kind = KINDS.find((each) => each.id === id)!;
      const drag = (event: Event) => this.services.get<Create>('create').start(event, shapeOf(this.services, kind, ''), { source: element });
      const click = () => append(this.services, element, shapeOf(this.services, kind, ''));
      return [`append.${id}`, { group: 'model', className: kind.icon, title: t.editor.menus.append(t.editor.kinds[kind.id]), action: { click, dragstart: drag } }];
    };
    const more: [string, Entry] = [
      'append.search',
      { group: 'model', className: 'segue-more', title: t.editor.menus.titles.append, action: { click: () => openMenu(this.services, 'append', element) } },
    ];
    return { ...Object.fromEntries([more, quick('action'), quick('exclusive'), quick('end')]), ...entries };
  }
}

export const menusModule = {
  __init__: ['segueMenus'],
  segueMenus: ['type', Menus],
  segueInjector: ['factory', Object.assign((injector: Services) => injector, { $inject: ['injector'] })],
  paletteProvider: ['type', Palette],
  contextPadProvider: ['type', Pad],
};
