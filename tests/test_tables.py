"""Reading data files: every format, the guessed header, and one clear sentence for each fault."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from fastgmm import data
from fastgmm.shell.tables import read_example, read_table

ROWS = np.array([[1.5, -2.0], [3.0, 1e-300], [0.1, 7.0]])


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def check(table, names, rows=ROWS):
    assert table.feature_names == names
    np.testing.assert_array_equal(table.X, rows)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.csv", "a,b\n1.5,-2\n3,1e-300\n.1,7\n"),
        ("quoted.csv", '"a","b"\n"1.5","-2"\n3,1e-300\n0.1,7\n'),
        ("windows.csv", "\ufeffa,b\r\n1.5,-2\r\n3,1e-300\r\n0.1,7\r\n\r\n\r\n"),
        ("no final newline.csv", "a,b\n1.5,-2\n3,1e-300\n0.1,7"),
        ("blank lines.csv", "\n\na,b\n\n1.5,-2\n3,1e-300\n\n0.1,7\n\n"),
        ("spaces.CSV", "a , b\n 1.5, -2\n3 , 1e-300\n0.1,7 \n"),
        ("spaces.txt", "  a   b \n  1.5  -2\n 3  1e-300  \n0.1 7\n\n"),
        ("comments.dat", "# made by hand\n\na b\n1.5 -2\n# half way\n3 1e-300\n0.1 7\n"),
        ("windows.txt", "\ufeffa b\r\n1.5 -2\r\n3 1e-300\r\n0.1 7\r\n\r\n"),
        ("tabs.txt", "a\tb\n1.5\t-2\n3\t1e-300\n0.1\t7\n"),
        ("tabs.tsv", "# made by hand\na\tb\n1.5\t-2\n3\t1e-300\n0.1\t7\n"),
        ("quoted.data", '"a" "b"\n1.5 -2\n3 1e-300\n0.1 7\n'),
    ],
)
def test_text_with_a_header(write, name, text):
    check(read_table(write(name, text)), ("a", "b"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.csv", "1.5,-2\n3,1e-300\n0.1,7\n"),
        ("byte order mark.csv", "\ufeff1.5,-2\n3,1e-300\n0.1,7\n"),
        ("spaces", "1.5 -2\n3 1e-300\n0.1 7\n"),
        ("aligned by tabs.txt", "1.5\t\t-2\n3\t1e-300\t\n 0.1\t7\n"),
        ("tabs.tsv", "1.5\t-2\n3\t1e-300\n0.1\t7\n"),
    ],
)
def test_text_without_a_header(write, name, text):
    check(read_table(write(name, text)), None)


def test_names_may_hold_separators(write):
    names = ("Income, annual (k$)", "Spending Score")
    csv = '"Income, annual (k$)",Spending Score\n1.5,-2\n3,1e-300\n0.1,7\n'
    check(read_table(write("x.csv", csv)), names)
    tabs = "Income, annual (k$)\tSpending Score\n1.5\t-2\n3\t1e-300\n0.1\t7\n"
    check(read_table(write("x.txt", tabs)), names)


def test_savetxt(tmp_path):
    path = tmp_path / "x.txt"
    np.savetxt(path, ROWS, header="a b", fmt="%+.17e")
    check(read_table(path), None)


def test_the_header_can_be_forced(write):
    years = write("years.csv", "2019,2020\n1.5,-2\n3,1e-300\n0.1,7\n")
    assert len(read_table(years).X) == 4
    check(read_table(years, header=True), ("2019", "2020"))
    with pytest.raises(ValueError, match=r"line 1, column 1: 'a' is not a number"):
        read_table(write("x.csv", "a,b\n1,2\n"), header=False)


def test_missing_cells_in_the_first_row_do_not_make_it_a_header(write):
    check(read_table(write("x.csv", "1,\nNA,2\n")), None, [[1, np.nan], [np.nan, 2]])


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@pytest.mark.parametrize("cell", ["", "NA", "NaN", "nan", "null"])
def test_missing_cells_become_nan(write, suffix, cell):
    text = f"a,b\n1,{cell}\n{cell},2\n".replace(",", "," if suffix == "csv" else "\t")
    check(read_table(write(f"x.{suffix}", text)), ("a", "b"), [[1, np.nan], [np.nan, 2]])


def test_infinity_is_left_to_the_fit(write):
    check(read_table(write("x.csv", "a,b\n1,inf\n-Infinity,2\n")), ("a", "b"), [[1, np.inf], [-np.inf, 2]])


def test_names_of_columns_that_have_none(write):
    check(read_table(write("x.csv", ",b\n0,2\n1,3\n")), ("column 0", "b"), [[0, 2], [1, 3]])


@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.parquet"])
def test_columns_in_the_order_asked_for(tmp_path, name):
    columns = {"a": [1.0, 2.0], "who": ["x", "y"], "b": [3, 4], "c": [5.0, 6.0]}
    path = tmp_path / name
    if name == "x.parquet":
        parquet.write_table(pa.table(columns), path)
    else:
        lines = [columns, *zip(*columns.values(), strict=True)]
        separator = "," if name == "x.csv" else " "
        path.write_text("".join(separator.join(map(str, line)) + "\n" for line in lines))
    check(read_table(path, columns=["c", "a"]), ("c", "a"), [[5, 1], [6, 2]])
    with pytest.raises(ValueError, match=r"no column 'd'; its columns are 'a', 'who', 'b', 'c'"):
        read_table(path, columns=["a", "d"])
    with pytest.raises(ValueError, match=r"column 'who': 'x' is not a number; choose numeric columns"):
        read_table(path)


def test_columns_of_the_same_name(write):
    path = write("x.csv", "a,a,b\n1,2,3\n4,5,6\n")
    check(read_table(path), ("a", "a", "b"), [[1, 2, 3], [4, 5, 6]])
    check(read_table(path, columns=["b"]), ("b",), [[3], [6]])
    with pytest.raises(ValueError, match="2 columns named 'a'"):
        read_table(path, columns=["a"])


def test_a_long_list_of_known_columns_is_cut(write):
    path = write("x.csv", ",".join(f"c{i}" for i in range(100)) + "\n")
    with pytest.raises(ValueError, match=r"'c0', .*, 'c19' and 80 more$"):
        read_table(path, columns=["d"])


@pytest.mark.parametrize("name", ["x.csv", "x.npy"])
def test_names_cannot_choose_where_there_are_none(tmp_path, name):
    path = tmp_path / name
    if name == "x.npy":
        np.save(path, ROWS)
    else:
        np.savetxt(path, ROWS, delimiter=",")
    with pytest.raises(ValueError, match=r"does not name its columns, so 'a', 'b' cannot be chosen by name"):
        read_table(path, columns=["a", "b"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, ">f8", np.int16, np.bool_])
def test_npy(tmp_path, dtype):
    rows = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    np.save(tmp_path / "x.npy", rows)
    table = read_table(tmp_path / "x.npy")
    check(table, None, rows.astype(np.float64))
    assert table.X.dtype == (np.float32 if dtype is np.float32 else np.float64)


def test_npy_is_mapped_not_read(tmp_path):
    np.save(tmp_path / "x.npy", ROWS)
    assert isinstance(read_table(tmp_path / "x.npy").X, np.memmap)


def test_npy_of_one_dimension_is_one_column(tmp_path):
    np.save(tmp_path / "x.npy", ROWS[:, 0])
    check(read_table(tmp_path / "x.npy"), None, ROWS[:, :1])


@pytest.mark.parametrize(
    "array", [np.array(["a", "b"]), np.array([1j, 2]), np.array([{}], dtype=object), np.zeros((2, 2, 2))]
)
def test_npy_of_something_else(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError, match=r"x\.npy (is not a \.npy file of|holds an array of shape)"):
        read_table(tmp_path / "x.npy")


@pytest.mark.parametrize("name", ["x.parquet", "x.pq", "x.feather", "x.arrow"])
def test_arrow_files(tmp_path, name):
    save = parquet.write_table if name in ("x.parquet", "x.pq") else feather.write_feather
    columns = {
        "a": pa.array([1, None, 3], pa.int64()),
        "b": pa.array([0.5, 1.5, 2.5], pa.float32()),
        "c": pa.array([True, False, None]),
        "d": pa.array([None, None, None], pa.null()),
    }
    save(pa.table({name: columns[name] for name in "abc"}), tmp_path / name)
    table = read_table(tmp_path / name)
    check(table, ("a", "b", "c"), [[1, 0.5, 1], [np.nan, 1.5, 0], [3, 2.5, np.nan]])
    assert table.X.dtype == np.float64
    assert read_table(tmp_path / name, columns=["b"]).X.dtype == np.float32


def test_large_integers_are_rounded_as_numpy_does(tmp_path):
    parquet.write_table(pa.table({"a": [2**53 + 1]}), tmp_path / "x.parquet")
    check(read_table(tmp_path / "x.parquet"), ("a",), [[float(2**53)]])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", "is empty"),
        ("x.npy", "", "is empty"),
        ("x.csv", "\n\n", "has no rows"),
        ("x.txt", "# nothing\n", "has no rows"),
        ("x.csv", "a,b\n", "has no rows"),
        ("x.txt", "a b\n", "has no rows"),
        ("x.csv", "a,b\n1,2\n3,x\n", "line 3, column 'b': 'x' is not a number"),
        ("x.csv", "1,2\n3,x\n", "line 2, column 2: 'x' is not a number"),
        ("x.csv", "a,b\n1,2\n\n3,1_000\n", "line 4, column 'b': '1_000' is not a number"),
        ("x.txt", "# c\na b\n1 2\n# c\n3 x\n", "line 5, column 'b': 'x' is not a number"),
        ("x.csv", "a,b\n1,2\n\n3,4,5\n", "line 4: the number of fields is 3, but 2 in the lines above"),
        ("x.txt", "1 2\n3\n", "line 2: the number of fields is 1, but 2 in the lines above"),
        ("x.csv", 'a,b\n1,2\n"3\n",4\n5,6\n', "CSV conversion error"),
        ("x.csv", b"a,b\xff\n1,2\n", "is neither a table in UTF-8 text"),
        ("x.xlsx", b"PK\x03\x04\xff\xfe", "is neither a table in UTF-8 text"),
        ("x.csv", 'a,"' + 200_000 * "b", "is neither a table in UTF-8 text"),
        ("x.npy", "hello", "is not a .npy file of numbers"),
        ("x.parquet", "hello", "is not a Parquet file"),
        ("x.arrow", "hello", "is not a Feather file"),
    ],
)
def test_faults_are_one_sentence_with_the_path(write, name, content, message):
    path = write(name, content)
    with pytest.raises(ValueError, match=r"^\S*x\.\w+") as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"x\.csv: no such file"):
        read_table(tmp_path / "x.csv")
    with pytest.raises(IsADirectoryError, match="is not a file"):
        read_table(tmp_path)


@pytest.mark.parametrize("name", data.EXAMPLES)
def test_examples(name):
    X, names = data.load_example(name)
    check(read_example(name), names, X)
    check(read_example(name, columns=names[::-1]), names[::-1], X[:, ::-1])
    with pytest.raises(ValueError, match=f"example '{name}' has no column 'nonsense'; its columns are"):
        read_example(name, columns=["nonsense"])
