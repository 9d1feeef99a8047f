/* A table of any length: only the rows in sight are drawn, sorted by the column that the address names. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { query, setParams } from '../app/router.tsx';
import { compare } from './format.ts';
import { Icon } from './icons.tsx';
import { windowRows } from './window.ts';

export interface Column<Row> {
  id: string;
  label: string;
  cell: (row: Row) => ComponentChildren;
  by?: (row: Row) => number | string | null; // what to sort by; without it the column is not sortable
  numeric?: boolean;
  wide?: boolean; // takes the space that is left
  group?: string; // a word above the columns that belong together
}

export interface Sort {
  column: string;
  descending: boolean;
}

const ROW_HEIGHT = 41; // as in kit.css
const WHOLE_MAX = 60; // shorter tables are drawn whole

/* useSort: the order is part of the address, as "?sort=mae" or "?sort=-mae". */
export function useSort(fallback: Sort, key = 'sort'): [Sort, (column: string) => void] {
  const text = query.value.get(key);
  const sort = text ? { column: text.replace(/^-/, ''), descending: text.startsWith('-') } : fallback;
  const change = (column: string) => {
    const descending = sort.column === column ? !sort.descending : false;
    setParams({ [key]: `${descending ? '-' : ''}${column}` });
  };
  return [sort, change];
}

export function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort): Row[] {
  const by = columns.find((c) => c.id === sort.column)?.by;
  return by ? [...rows].sort((a, b) => compare(by(a), by(b), sort.descending)) : [...rows];
}

function Head<Row>({ columns, sort, onSort }: { columns: Column<Row>[]; sort?: Sort | undefined; onSort?: ((column: string) => void) | undefined }) {
  return (
    <tr aria-rowindex={1}>
      {columns.map((c) => {
        const sorted = sort?.column === c.id;
        return (
          <th
            key={c.id}
            scope="col"
            class={`${c.numeric ? 'num' : ''} ${c.wide ? 'wide' : ''}`}
            aria-sort={c.by && onSort ? (sorted ? (sort.descending ? 'descending' : 'ascending') : 'none') : undefined}
          >
            {c.group && <span class="group">{c.group}</span>}
            {c.by && onSort ? (
              <button type="button" onClick={() => onSort(c.id)}>
                {c.label}
                {sorted && <Icon name={sort.descending ? 'down' : 'up'} />}
              </button>
            ) : (
              c.label
            )}
          </th>
        );
      })}
    </tr>
  );
}

/* Gap stands for the rows that are not drawn. Its height is set on the element, since the policy
 * allows no style in the markup. */
function Gap({ height, columns }: { height: number; columns: number }) {
  const cell = useRef<HTMLTableCellElement>(null);
  useLayoutEffect(() => {
    if (cell.current) cell.current.style.height = `${height}px`;
  }, [height]);
  if (!height) return null;
  return (
    <tr class="gap" aria-hidden="true">
      <td ref={cell} colSpan={columns} />
    </tr>
  );
}

export interface TableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[]; // in the order to show
  rowKey: (row: Row) => string;
  rowClass?: (row: Row) => string;
  sort?: Sort;
  onSort?: (column: string) => void;
}

export function Table<Row>({ label, columns, rows, rowKey, rowClass, sort, onSort }: TableProps<Row>) {
  const box = useRef<HTMLDivElement>(null);
  const scroll = useSignal({ top: 0, height: 600 });
  const scrolls = useSignal(false);
  const windowed = rows.length > WHOLE_MAX;
  useEffect(() => {
    const at = box.current;
    if (!at) return undefined;
    let frame = 0;
    const look = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        scrolls.value = windowed || at.scrollWidth > at.clientWidth;
        if (windowed) scroll.value = { top: at.scrollTop, height: at.clientHeight };
      });
    };
    look();
    at.addEventListener('scroll', look, { passive: true });
    const sizes = new ResizeObserver(look);
    sizes.observe(at);
    if (at.firstElementChild) sizes.observe(at.firstElementChild);
    return () => {
      cancelAnimationFrame(frame);
      at.removeEventListener('scroll', look);
      sizes.disconnect();
    };
  }, [windowed]);
  const span = windowed
    ? windowRows(scroll.value.top, scroll.value.height, ROW_HEIGHT, rows.length)
    : { first: 0, end: rows.length, before: 0, after: 0 };
  return (
    <div ref={box} class={windowed ? 'table windowed' : 'table'} role="region" aria-label={label} tabIndex={scrolls.value ? 0 : undefined}>
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <Head columns={columns} sort={sort} onSort={onSort} />
        </thead>
        <tbody>
          <Gap height={span.before} columns={columns.length} />
          {rows.slice(span.first, span.end).map((row, i) => (
            <tr key={rowKey(row)} aria-rowindex={span.first + i + 2} class={rowClass?.(row)}>
              {columns.map((c) => (
                <td key={c.id} class={`${c.numeric ? 'num' : ''} ${c.wide ? 'wide' : ''}`}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          <Gap height={span.after} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}
