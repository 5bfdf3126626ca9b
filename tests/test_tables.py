"""Reading data files: every format, what is found out, and one clear sentence for each fault."""

import gzip
import os
import re
import sys
from contextlib import nullcontext

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from fastgmm import data
from fastgmm.shell.tables import read
from fastgmm.shell.tables.columns import Reading

ROWS = np.array([[1.5, -2.0], [3.0, 1e-300], [0.1, 7.0]])


def read_table(path, **options):
    return read.read_table(path, Reading(**options))


def read_example(name, **options):
    return read.read_example(name, Reading(**options))


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


@pytest.mark.parametrize(
    ("text", "names", "note"),
    [
        ("2019,2020\n1.5,-2\n", ("2019", "2020"), "the first line of x.csv, 2019, 2020, is taken for names"),
        (",0,1\n0,1.5,-2\n", ("0", "1"), "is taken for names; --header no makes it a row"),
        ("who,2019,2020\nx,7,8\n", ("2019", "2020"), "the first line of x.csv, who, 2019, 2020, is taken for names"),
        ("0,1\n5,-2.5\n", ("0", "1"), "is taken for names"),
        (",0,1\n0,5,6\n", ("0", "1"), "is taken for names"),
        ("1,2\n5,NA\n", None, "is taken for a row"),
        ("1,2\n5,3\n", None, "the first line of x.csv, 1, 2, is taken for a row; --header yes makes it names"),
        ("1,3\n5,-2.5\n", None, ""),
        ("0\n0.5\n", None, ""),
        ("1,\nNA,2\n5,6\n", None, ""),
    ],
)
def test_a_header_of_numbers_is_recognised_or_noted(write, monkeypatch, capsys, text, names, note):
    path = write("x.csv", text)
    monkeypatch.chdir(path.parent)
    assert read_table(path.relative_to(path.parent), missing="drop").feature_names == names
    error = capsys.readouterr().err
    assert note in error
    assert ("first line" in error) == bool(note)


@pytest.mark.parametrize("text", ["id,7\n1,2\n", "1001,Alice,5.5\n1002,Bob,6.5\n"])
def test_names_and_numbers_in_the_first_line_are_ambiguous(write, text):
    path = write("x.csv", text)
    with pytest.raises(ValueError, match="has names and numbers; say with --header yes or no"):
        read_table(path)
    assert len(read_table(path, header="yes").X) == 1
    with (
        pytest.raises(ValueError, match=r"x.csv, line 1, column 1: 'id' is not a number")
        if "id" in text
        else (nullcontext())
    ):
        assert len(read_table(path, header="no").X) == 2


def test_the_header_can_be_forced_or_follows_from_the_columns(write, capsys):
    years = write("years.csv", "2019,2020\n1.5,-2\n3,1e-300\n0.1,7\n")
    assert len(read_table(years, header="no").X) == 4
    check(read_table(years, header="yes"), ("2019", "2020"))
    with pytest.raises(ValueError, match=r"line 1, column 1: 'a' is not a number"):
        read_table(write("x.csv", "a,b\n1,2\n"), header="no")
    check(read_table(write("x.csv", "7,1\n5,6\n"), columns=["1"]), ("1",), [[6]])
    assert capsys.readouterr().err == ""


# ---- how numbers are written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,-2\n3,1e-300\n0.1,7\n",
        "a;b\n1.5;-2\n3;1e-300\n0.1;7\n",
        "a;b\n1,5;-2\n3;1e-300\n0,1;7\n",
        "a;b\n1,5;-2,0\n3,0;1,0e-300\n0,1;7,0\n",
        "a\tb\n1,5\t-2\n3\t1e-300\n0,1\t7\n",
        "a|b\n1.5|-2\n3|1e-300\n0.1|7\n",
        "a b\n1,5 -2\n3 1e-300\n0,1 7\n",
        "a; b\n+1,5; -2\n3; 1E-300\n,1; 7\n",
        '"a";"b"\n"1,5";"-2"\n"3";"1e-300"\n"0,1";"7"\n',
        "# made by hand\n\na;b\n\n1,5;-2\n3;1e-300\n\n0,1;7\n\n",
        "sep=;\na;b\n1,5;-2\n3;1e-300\n0,1;7\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["x.csv", "x.txt"])
def test_separators_decimals_and_encodings_are_found_out(write, text, encoding, end, name):
    check(read_table(write(name, text.replace("\n", end).encode(encoding))), ("a", "b"))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('a,b\n"1,500",-2\n1234,"-12,345,678.5"\n', {"thousands": ","}),
        ("a;b\n1,500;-2\n1234;-12,345,678.5\n", {"thousands": ","}),
        ("a;b\n1.500;-2\n1234;-12.345.678,5\n", {"thousands": "."}),
        ("a;b\n1 500;-2\n1234;-12 345 678,5\n", {"thousands": " "}),
        ("a;b\n1'500; -2\n1234;-12'345'678.5\n", {"thousands": "'"}),
        ("a;b\n1\u202f500; -2\n1234;-1\u202f23\u202f45\u202f678.5\n", {"thousands": "\u202f"}),
    ],
)
def test_thousands(write, text, options):
    check(read_table(write("x.csv", text), **options), ("a", "b"), [[1500, -2], [1234, -12345678.5]])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a;b\n1.234,5;2\n", {}, "numbers such as '1.234,5', with '.' before thousands; say so with --thousands ."),
        ("a;b\n1,234.5;2\n", {}, "numbers such as '1,234.5', with ',' before thousands; say so with --thousands ,"),
        ("a;b\n1,234;2\n5,678;3\n", {}, "decimals; say which with --thousands , or --decimal ,"),
        ("a;b\n1.234;2\n5.678;3\n", {}, "decimals; say which with --thousands . or --decimal ."),
        ("a;b\n1,5;2.5\n", {}, "a decimal comma, '1,5', and with a decimal point, '2.5'; say which with --decimal"),
        ('a,b\n1,"2,5"\n', {}, "line 2, column 'b': '2,5' is not a number; --thousands and --decimal say how"),
        ("a;b\n1,5;2\n2.5;3\n", {"thousands": "."}, "line 3, column 'a': '2.5' is not a number"),
        ("a;b\n1,5;2\n", {"thousands": ","}, "line 2, column 'a': '1,5' is not a number"),
        ("a;b\n1 2;2\n3;4\n", {"thousands": " "}, "line 2, column 'a': '1 2' is not a number"),
        ("a;b\n1;2\n", {"thousands": ",", "decimal": ","}, "--decimal and --thousands must differ, got ',' for both"),
        ("a;b,c;d\ne;f,g;h\n", {}, "may be separated by any of [';', ',']; say by which with --separator"),
    ],
)
def test_what_is_ambiguous_is_refused_and_the_option_named(write, text, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_table(write("x.csv", text), **options)


def test_options_decide(write):
    grouped = write("x.csv", "a;b\n1,234;2\n5,678;3\n")
    check(read_table(grouped, decimal=","), ("a", "b"), [[1.234, 2], [5.678, 3]])
    check(read_table(grouped, thousands=","), ("a", "b"), [[1234, 2], [5678, 3]])
    both = write("y.csv", "a;b\n1,5;2.5\n3,5;4.5\n")
    check(read_table(both, decimal=",", columns=["a"]), ("a",), [[1.5], [3.5]])
    check(read_table(both, columns=["b"]), ("b",), [[2.5], [4.5]])  # only what is wanted has to be clear
    check(read_table(write("x.txt", "a\tb\n1.234\t5.678\n")), ("a", "b"), [[1.234, 5.678]])  # aligned
    one = write("z.csv", "1,5\n2,5\n")
    check(read_table(one), None, [[1, 5], [2, 5]])
    check(read_table(one, decimal=","), None, [[1.5], [2.5]])
    check(read_table(one, separator=";"), None, [[1.5], [2.5]])


def test_another_encoding(write):
    path = write("x.csv", "größe;name\n1,5;Müller\n3;Käse\n".encode("cp1252"))
    with pytest.raises(ValueError, match="is neither a table of UTF-8 text, which --encoding can change, nor"):
        read_table(path)
    table = read_table(path, encoding="cp1252", keep=["name"])
    check(table, ("größe",), [[1.5], [3]])
    assert table.kept["name"].to_pylist() == ["Müller", "Käse"]
    later = write("y.csv", ("a,name\n" + 20_000 * "1,x\n").encode() + b"2,\xfc\n")
    assert len(read_table(later).X) == 20_001
    with pytest.raises(ValueError, match="is neither a table of UTF-8 text"):
        read_table(later, keep=["name"])


# ---- what is missing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@pytest.mark.parametrize("cell", ["", "NA", "NaN", "nan", "null", "<NA>", " ", " NA "])
def test_missing_values_are_refused_or_dropped(write, capsys, suffix, cell):
    text = f"a,b\n1,{cell}\n3,4\n{cell},2\n".replace(",", "," if suffix == "csv" else "\t")
    path = write(f"x.{suffix}", text)
    with pytest.raises(
        ValueError, match=r"x\.\wsv, line 2, column 'b': a value is missing, the first of 2; --missing"
    ):
        read_table(path)
    table = read_table(path, missing="drop")
    check(table, ("a", "b"), [[3, 4]])
    assert table.present.tolist() == [False, True, False]
    assert "Note: 2 of 3 rows of" in capsys.readouterr().err
    with pytest.raises(ValueError, match="has no row without a missing value"):
        read_table(write("y.csv", "a,b\n1,\n"), missing="drop")


def test_missing_values_are_kept_where_they_are_wanted(write, capsys):
    path = write("x.csv", "a,b,w\n1,,2\n3,4,0.5\n,,1\nNA,2,1\n")
    table = read_table(path, missing="marginal", weights="w")
    np.testing.assert_array_equal(table.X, [[1.0, np.nan], [3.0, 4.0], [np.nan, 2.0]])
    assert table.sample_weight.tolist() == [2.0, 0.5, 1.0]
    assert table.present.tolist() == [True, True, False, True]
    assert table.of_all(np.array([5, 6, 7])).to_pylist() == [5, 6, None, 7]
    assert capsys.readouterr().err == f"Note: 1 of 4 rows of {path} left out, in which all values are missing\n"
    assert read_table(path, missing="marginal", columns=["w"]).X.tolist() == [[2.0], [0.5], [1.0], [1.0]]
    with pytest.raises(ValueError, match="line 2, column 'b': a weight is missing"):
        read_table(path, missing="marginal", weights="b")
    with pytest.raises(ValueError, match="has no row with a value"):
        read_table(write("y.csv", "a,b\n,\n"), missing="marginal")
    with pytest.raises(
        ValueError, match=r"line 2, column 'b': a value is missing, .*, --missing marginal uses what is"
    ):
        read_table(path)
    with pytest.raises(ValueError, match=r"a value is missing, the first of 4; --missing drop leaves such rows out$"):
        read_table(path, by="w")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", '# made by hand\n\nwho,"a\nb"\n"x\ny\n",1\n\n"z\nz",NA\n"",2\n'),
        ("x.csv", '# made by hand\r\n\r\nwho,"a\r\nb"\r\n"x\r\ny\r\n",1\r\n\r\n"z\r\nz",NA\r\n'),
        ("x.txt", '# made by hand\n\nwho "a\nb"\n"x\ny\n" 1\n# half way\n"z\nz" NA\n'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_is_that_of_the_file(write, name, text, encoding):
    path = write(name, text.encode(encoding))
    with pytest.raises(ValueError, match=r"line 9, column 'a.*b': a value is missing"):
        read_table(path)
    path.write_bytes(text.replace("NA", "1_0").encode(encoding))
    with pytest.raises(ValueError, match=r"line 9, column 'a.*b': '1_0' is not a number"):
        read_table(path)
    path.write_bytes(text.replace("NA", "5,6" if name == "x.csv" else "5 6").encode(encoding))
    with pytest.raises(ValueError, match="line 9: the number of fields is 3, but 2 in the lines above"):
        read_table(path)


def test_lines_far_down(write):
    path = write("x.csv", "a,b\n" + 300_000 * "12345,67890\n" + '"1\n",2\n3,\n')
    with pytest.raises(ValueError, match="line 300004, column 'b': a value is missing"):
        read_table(path)


def test_an_infinite_value_is_no_missing_one(write):
    path = write("x.csv", "a,b\n1,\n-Infinity,2\n")
    with pytest.raises(ValueError, match="line 3, column 'a': -inf is not finite"):
        read_table(path, missing="drop")


def test_one_column(write):
    check(read_table(write("x.csv", "height of all\n1.5\n3\n")), ("height of all",), [[1.5], [3]])
    check(read_table(write("x.csv", "1,5\n2,25\n"), separator=";"), None, [[1.5], [2.25]])
    path = write("x.csv", "\n\nx\n1\n\n2\nNA\n\n\n")
    with pytest.raises(ValueError, match="line 5, column 'x': a value is missing, the first of 2"):
        read_table(path)
    table = read_table(path, missing="drop", keep=["all"])
    assert table.present.tolist() == [True, False, True, False]
    assert table.kept["x"].to_pylist() == ["1", "", "2", "NA"]


# ---- columns ----------------------------------------------------------------------------------------------


def test_columns_without_numbers_are_left_out_with_a_note(write, capsys):
    text = ",id,when,a,city\n0,A1,2024-01-05,1,\n1,B7,05.01.2024,2,Ulm\n"
    path = write("x.csv", text)
    check(read_table(path), ("a",), [[1], [2]])
    error = capsys.readouterr().err
    assert error == (
        f"Note: columns of {path} left out, which hold no numbers or have no name: 'column 1' (\"0\"), "
        "'id' (\"A1\"), 'when' (\"2024-01-05\"), 'city' (\"Ulm\")\n"
    )
    check(read_table(path, columns=["column 1,a"]), ("column 1", "a"), [[0, 1], [1, 2]])
    assert capsys.readouterr().err == ""
    with pytest.raises(
        ValueError, match=r"line 2, column 'city': a value is missing|line 3, column 'city': 'Ulm' is"
    ):
        read_table(path, columns=["city"])
    parquet.write_table(pa.table({"a": [1, 2], "id": ["x", "y"]}), path.with_suffix(".parquet"))
    check(read_table(path.with_suffix(".parquet")), ("a",), [[1], [2]])
    assert "have no name: 'id' (string)" in capsys.readouterr().err


def test_a_column_of_numbers_and_words_is_refused(write):
    with pytest.raises(ValueError, match="line 3, column 'a': 'about 3' is not a number; choose numeric columns"):
        read_table(write("x.csv", "a,b\n1,2\nabout 3,4\n"))


def test_columns_in_one_value_or_in_many(write):
    path = write("x.csv", 'a,"b, in cm",c\n1,2,3\n')
    for columns in (["c", "b, in cm"], ['c,"b, in cm"']):
        check(read_table(path, columns=columns), ("c", "b, in cm"), [[3, 2]])
    with pytest.raises(ValueError, match=r"no column 'in cm'; its columns are 'a', 'b, in cm', 'c'|no column 'b'"):
        read_table(path, columns=["b,in cm"])
    with pytest.raises(ValueError, match="the choice has 2 columns named 'a'"):
        read_table(path, columns=["a", "a"])
    with pytest.raises(ValueError, match=r"no columns of .* are left to use|no column ''"):
        read_table(path, columns=[""])
    with pytest.raises(ValueError, match="has no column 'a,c'"):
        read_table(path, columns=["a,c"], exact=True)


def test_kept_columns_are_as_written(write, tmp_path):
    path = write("x.csv", 'id;a;"n; t"\n007;1,50;"x\ny"\n008;NA;\n')
    table = read_table(path, columns=["a"], keep=["id", "n; t"], missing="drop")
    check(table, ("a",), [[1.5]])
    assert {name: column.to_pylist() for name, column in table.kept.items()} == {
        "id": ["007", "008"],
        "n; t": ["x\ny", ""],
    }
    assert list(read_table(path, columns=["a"], keep=["all"], missing="drop").kept) == ["id", "a", "n; t"]
    with pytest.raises(ValueError, match="--keep names 'id', a column of numbers; say with --columns which columns"):
        read_table(path, keep=["id"])
    with pytest.raises(ValueError, match="no column 'b'"):
        read_table(path, columns=["a"], keep=["b"])
    np.save(tmp_path / "x.npy", ROWS)
    assert read_table(tmp_path / "x.npy", keep=["all"]).kept["x1"].to_pylist() == ROWS[:, 1].tolist()
    parquet.write_table(pa.table({"a": [1.0], "tags": [["x"]]}), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="to keep cannot be written as CSV"):
        read_table(tmp_path / "x.parquet", keep=["all"])


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
        read_table(path, columns=["who"])


def test_columns_of_the_same_name(write):
    path = write("x.csv", "a,a,b\n1,2,3\n4,5,6\n")
    check(read_table(path, columns=["b"]), ("b",), [[3], [6]])
    for options in ({}, {"columns": ["a"]}, {"columns": ["b"], "keep": ["all"]}):
        with pytest.raises(ValueError, match=r"x.csv has 2 columns named 'a'; names must differ"):
            read_table(path, **options)


def test_a_long_list_of_known_columns_is_cut(write):
    path = write("x.csv", ",".join(f"c{i}" for i in range(100)) + "\n" + 99 * "1," + "1\n")
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
    }
    save(pa.table(columns), tmp_path / name)
    with pytest.raises(ValueError, match=r"row 1 \(counted from 0\), column 'a': a value is missing, the first of 2"):
        read_table(tmp_path / name)
    table = read_table(tmp_path / name, missing="drop")
    check(table, ("a", "b", "c"), [[1, 0.5, 1]])
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
        ("x.csv", "a,b", "has no rows"),
        ("x.csv", 'a, "b, c"\n1, 2\n', "line 2: the number of fields is 2, but 3 in the lines above"),
        ("x.csv", "a,b\n1,2\n3,x\n", "line 3, column 'b': 'x' is not a number"),
        ("x.csv", "1,2\n3,x\n", "line 2, column 2: 'x' is not a number"),
        ("x.csv", "a,b\n1,2\n\n3,1_000\n", "line 4, column 'b': '1_000' is not a number"),
        ("x.txt", "# c\na b\n1 2\n# c\n3 x\n", "line 5, column 'b': 'x' is not a number"),
        ("x.csv", "a,b\n1,2\n\n3,4,5\n", "line 4: the number of fields is 3, but 2 in the lines above"),
        ("x.txt", "1 2\n3\n", "line 2: the number of fields is 1, but 2 in the lines above"),
        ("x.csv", b"a,b\xff\n1,2\n", "is neither a table of UTF-8 text"),
        ("x.xlsx", b"PK\x03\x04\xff\xfe", "is neither a table of UTF-8 text"),
        ("x.csv", 'a,"' + 200_000 * "b", "is neither a table of UTF-8 text"),
        ("x.npy", "hello", "is not a .npy file of numbers"),
        ("x.parquet", "hello", "is not a Parquet file"),
        ("x.arrow", "hello", "is not a Feather file"),
        ("x.csv", 'a,b\n1,2\n\n3,"4\n5,6\n', "line 4: a quote begins a field that none ends"),
        ("x.csv", 'a,b\n1,2\n3,"' + 200_000 * "4\n", "line 3: a quote begins a field that none ends"),
        ("x.txt", 'a b\n1 2\n3 "4\n5 6\n', "line 3: a quote begins a field that none ends"),
        ("x.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "is not a whole gzip file"),
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


def test_a_quote_inside_a_field_is_no_open_one(write):
    check(read_table(write("x.csv", 'a,what\n1,5" wide\n2,tall\n')), ("a",), [[1], [2]])


def test_compressed_text(write):
    check(read_table(write("x.csv.gz", gzip.compress(b"a,b\n1.5,-2\n3,1e-300\n.1,7\n"))), ("a", "b"))


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-16", "utf-16-le", "utf-8", "utf-8-sig"])
def test_a_given_encoding_counts_and_its_mark_is_no_text(write, encoding):
    text = "a,b\n1.5,-2\n3,1e-300\n.1,7\n"
    marked = text if encoding in ("utf-32", "utf-16", "utf-8-sig") else "\ufeff" + text
    check(read_table(write("x.csv", marked.encode(encoding)), encoding=encoding), ("a", "b"))


@pytest.mark.parametrize("mark", ["^", "\\", "]"])
def test_thousands_are_no_pattern(write, mark):
    table = read_table(write("x.csv", f"a;b\n1{mark}500;2\n7;3\n"), thousands=mark)
    check(table, ("a", "b"), [[1500, 2], [7, 3]])


@pytest.mark.parametrize("separator", [" ", "\t", ","])
@pytest.mark.parametrize("names", [["a", "b"], ["a"]])
def test_row_names_without_a_heading(write, separator, names):
    """As write.table of R has them."""
    if (separator, names) == (",", ["a"]):
        pytest.skip("a decimal comma")
    rows = [[1.5, 2.0], [3.0, 4.0]]
    lines = [separator.join(f'"{name}"' for name in names)]
    lines += [separator.join([f'"{i}"', *map(str, row[: len(names)])]) for i, row in enumerate(rows, 1)]
    table = read_table(write("x.txt", "\n".join(lines) + "\n"))
    check(table, tuple(names), [row[: len(names)] for row in rows])


@pytest.mark.parametrize("dtype", [">f8", ">i4", np.longdouble, np.float16])
def test_npy_of_any_numbers_can_be_kept(tmp_path, dtype):
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, 4]], dtype))
    assert read_table(tmp_path / "x.npy", keep=["all"]).kept["x1"].to_pylist() == [2, 4]


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="long doubles are doubles")
def test_npy_beyond_float64(tmp_path):
    np.save(tmp_path / "x.npy", np.array([1, np.longdouble(10) ** 400]))
    with pytest.raises(ValueError, match=r"row 1 .* inf is not finite"):
        read_table(tmp_path / "x.npy")


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
def test_arrow_files_with_columns_of_one_name(tmp_path, name):
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0]), pa.array([3.0])], ["a", "a", "b"])
    if name == "x.parquet":
        parquet.write_table(table, tmp_path / name)
    else:
        with pa.OSFile(str(tmp_path / name), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    check(read_table(tmp_path / name, columns=["b"]), ("b",), [[3]])
    with pytest.raises(ValueError, match="has 2 columns named 'a'"):
        read_table(tmp_path / name)


def test_a_damaged_page_is_said_of_its_file(tmp_path):
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"a": [1.0, 2.0]}), path)
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.parquet is a damaged Parquet file"):
        read_table(path)


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
@pytest.mark.parametrize("name", [b"\xff.csv", b"\xff.parquet", b"\xff.npy"])
def test_file_names_that_are_not_utf_8(tmp_path, write, name):
    if name.endswith(b"csv"):
        path = write("x.csv", "1.5,-2\n3,1e-300\n.1,7\n")
    elif name.endswith(b"npy"):
        np.save(path := tmp_path / "x.npy", ROWS)
    else:
        parquet.write_table(pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1]}), path := tmp_path / "x.parquet")
    np.testing.assert_array_equal(read_table(path.rename(tmp_path / os.fsdecode(name))).X, ROWS)
