// Files made of the drawing: in the formats that the server writes, and as pictures.
import { send, type Schemas } from '../api/client';
import { href } from '../lib/url';
import type { Session } from './session';
import { xmlOf } from './modeler';
import { withoutVariables } from './picture';

export type Format = 'bpmn' | 'tplg' | 'tplg.json' | 'svg' | 'png';
export const FORMATS: Format[] = ['bpmn', 'tplg', 'tplg.json', 'svg', 'png'];

const SCALE = 2;

/** Hand a file to the browser's downloads. */
export function download(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Make the file and download it. What its format cannot say is answered, a sentence each. */
export async function exportAs(session: Session, format: Format): Promise<{ name: string; losses: string[] }> {
  const name = `${session.process}.${format}`;
  if (format === 'svg' || format === 'png') {
    const { svg } = await session.made.saveSVG();
    const plain = withoutVariables(svg);
    download(name, format === 'svg' ? new Blob([plain], { type: 'image/svg+xml' }) : await asPng(plain));
    return { name, losses: [] };
  }
  const xml = await xmlOf(session.made);
  if (format === 'bpmn') {
    download(name, new Blob([xml], { type: 'application/xml' }));
    return { name, losses: [] };
  }
  const path = href('/api/v1/files/export', { file: `${session.process}.bpmn`, format });
  const { content, losses } = await send<Schemas['ExportedOut']>('POST', path, xml, 'application/xml');
  download(name, new Blob([content], { type: format === 'tplg' ? 'application/xml' : 'application/json' }));
  return { name, losses };
}

async function asPng(svg: string): Promise<Blob> {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await picture.decode();
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, picture.naturalWidth * SCALE);
  canvas.height = Math.max(1, picture.naturalHeight * SCALE);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((made) => (made ? resolve(made) : reject(new Error('No picture was made'))), 'image/png'));
}
