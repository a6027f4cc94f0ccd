"""Which cells of a chapter its exercises need: those that define what they use, and so on."""

import ast
import builtins
import re
import symtable
from collections.abc import Iterable

from .source import Cell

BUILTINS = frozenset(dir(builtins))
SHORT = 2  # letters: a word of a text that is not longer is a symbol
CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
SHELL = re.compile(r"^\s*[%!].*$", re.MULTILINE)


def needed(cells: list[Cell], exercises: Iterable[Cell]) -> list[Cell]:
    """The code cells among ``cells`` on which the ``exercises``' cells depend, in their order.

    Both are read backwards, statement by statement: a name is wanted until the statement that binds it.
    """
    wanted: set[str] = set()
    for cell in reversed(list(exercises)):
        if cell.cell_type == "code":
            wanted = before(body(cell.source), wanted)
        else:
            wanted |= mentioned(cell.source)
    found, code = [], [cell for cell in cells if cell.cell_type == "code"]
    modules = set().union(*(imported(cell.source) for cell in code))
    for cell in reversed(code):
        parts = body(cell.source)
        if any((binds(part) | changes(part) - modules) & wanted for part in parts):
            found.append(cell)
            wanted = before(parts, wanted)
    return found[::-1]


def mentioned(text: str) -> set[str]:
    """The names that a text's pieces of code take from elsewhere; one or two letters are a symbol."""
    pieces = [body("".join(match)) for match in CODE.findall(text)]
    found = set().union(*(before(piece, set()) for piece in pieces))
    made = set().union(*(binds(part) for piece in pieces for part in piece))
    return {name for name in found - made if len(name) > SHORT}


def before(parts: list[ast.stmt], wanted: set[str]) -> set[str]:
    """The names that must have a value before these statements, if ``wanted`` must have one after them."""
    for part in reversed(parts):
        wanted = (wanted - binds(part)) | reads(part)
    return wanted


def body(source: str) -> list[ast.stmt]:
    """The statements of a piece of code; none where it is no code."""
    try:
        return ast.parse(SHELL.sub("", source)).body
    except SyntaxError:
        return []


def table(part: ast.stmt) -> symtable.SymbolTable:
    """The names of a statement and of the functions inside it."""
    apart = Comprehensions().visit(ast.parse(ast.unparse(ast.fix_missing_locations(part))))
    return symtable.symtable(ast.unparse(apart), "cell", "exec")


class Comprehensions(ast.NodeTransformer):
    """Turn lists, sets and dicts that are made in a loop into generators: from Python 3.12 on, a symbol
    table keeps the names of a generator's loop to itself, but counts those of the others as the statement's.
    """

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:  # noqa: N802 (ast's names)
        """The generator of the same entries."""
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    visit_SetComp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:  # noqa: N802
        """The generator of its pairs."""
        return self.generic_visit(ast.GeneratorExp(ast.Tuple([node.key, node.value]), node.generators))


def binds(part: ast.stmt) -> set[str]:
    """The names to which a statement surely gives a value."""
    top = table(part)
    return {each.get_name() for each in top.get_symbols() if each.is_assigned() or each.is_imported()}


def imported(source: str) -> set[str]:
    """The names that a piece of code imports."""
    imports = (part for part in body(source) if isinstance(part, ast.Import | ast.ImportFrom))
    return set().union(*map(binds, imports))


def reads(part: ast.stmt) -> set[str]:
    """The names of the notebook that a statement reads, also inside the functions that it defines."""
    if isinstance(part, ast.For):
        loop = {node.id for node in ast.walk(part.target) if isinstance(node, ast.Name)}
        return free(ast.Expr(part.iter)) | before(part.body, before(part.orelse, set())) - loop
    if isinstance(part, ast.If | ast.While):
        return free(ast.Expr(part.test)) | before(part.body, set()) | before(part.orelse, set())
    if isinstance(part, ast.With):
        opened = set().union(*(free(ast.Expr(item.context_expr)) for item in part.items))
        return opened | before(part.body, set()) - targets(part)
    if isinstance(part, ast.FunctionDef | ast.ClassDef):
        return free(part) - {part.name}
    return free(part)


def targets(part: ast.With) -> set[str]:
    """The names that a `with` binds."""
    bound = [item.optional_vars for item in part.items if item.optional_vars]
    return {node.id for each in bound for node in ast.walk(each) if isinstance(node, ast.Name)}


def free(part: ast.stmt) -> set[str]:
    """The names that a simple statement or a function takes from outside."""
    top = table(part)
    found = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
    updates = (node.target for node in ast.walk(part) if isinstance(node, ast.AugAssign))
    found |= {target.id for target in updates if isinstance(target, ast.Name)}  # x += 1 reads x
    inner = list(top.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        found |= {each.get_name() for each in scope.get_symbols() if each.is_global()}
    return found


def changes(part: ast.stmt) -> set[str]:
    """The names whose value a statement changes from within: an attribute, an item, a training, a method."""
    found = set()
    for node in ast.walk(part):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            found |= {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            trains = node.func.attr in ("fit", "shuffle") and node.args
            found |= {each.id for each in node.args[:1] if trains and isinstance(each, ast.Name)}
    if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
        function = part.value.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            found.add(function.value.id)
    return found
