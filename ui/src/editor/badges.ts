// What was found wrong with a node stands at its corner; a click leads to the sentence.
import type { EventBus, Registry, Shape } from './bpmn';

export interface Badge {
  node: string;
  severity: 'error' | 'warning' | 'info';
  texts: string[];
}

interface Overlays {
  add(id: string, type: string, overlay: { position: object; html: HTMLElement }): string;
  remove(filter: { type: string }): void;
}

class Badges {
  static $inject = ['overlays', 'elementRegistry', 'eventBus'];
  private shown = '';

  constructor(private readonly overlays: Overlays, private readonly registry: Registry, private readonly eventBus: EventBus) {
    eventBus.on('import.done', () => {
      this.shown = '';
    });
  }

  show(badges: Badge[]): void {
    const wanted = JSON.stringify(badges);
    if (wanted === this.shown) return;
    this.shown = wanted;
    this.overlays.remove({ type: 'segue-badge' });
    for (const badge of badges) {
      const element = this.registry.get(badge.node);
      if (!element) continue;
      const html = document.createElement('div');
      html.className = `segue-badge ${badge.severity}`;
      // As text, never as markup: the sentences quote names from files.
      html.textContent = badge.severity === 'info' ? 'i' : '!';
      html.title = badge.texts.join('\n');
      html.addEventListener('click', () => this.eventBus.fire('segue.badge', { node: badge.node }));
      this.overlays.add(badge.node, 'segue-badge', { position: placeOf(element), html });
    }
  }
}

function placeOf(element: Shape): { top: number; left: number } {
  if (!element.waypoints) return { top: -10, left: element.width - 10 };
  // An overlay of a flow counts from the corner of its box.
  const xs = element.waypoints.map((each) => each.x);
  const ys = element.waypoints.map((each) => each.y);
  const [first, second] = element.waypoints;
  const middle = { x: (first!.x + second!.x) / 2, y: (first!.y + second!.y) / 2 };
  return { top: middle.y - Math.min(...ys) - 9, left: middle.x - Math.min(...xs) - 9 };
}

export type BadgesService = Badges;
export const badgesModule = { __init__: ['segueBadges'], segueBadges: ['type', Badges] };
